import { timeTicks } from "./axes.js";

const LEFT = 26, BOTTOM = 22, TOP = 4, RIGHT = 1;

// Lightness goes one way only, so that more energy never looks like less.
const MAPS = {
  light: ["#ffffff", "#d7e6f0", "#9fc3dc", "#5d93bd", "#2d5f93", "#0f2747"],
  dark: ["#14171b", "#1b3350", "#275a80", "#3f8fa8", "#8cc7b8", "#f6f1cf"],
};

function palette(isDark) {
  const stops = MAPS[isDark ? "dark" : "light"].map((hex) =>
    [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, value) => {
    const place = (value / 255) * (stops.length - 1);
    const first = Math.min(stops.length - 2, Math.floor(place));
    return stops[first].map((c, k) => c + (place - first) * (stops[first + 1][k] - c));
  });
}

export function paintSpectrogram(canvas, about, picture, seconds, isDark) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const plot = { x: LEFT, y: TOP, w: width - LEFT - RIGHT, h: height - TOP - BOTTOM };
  context.imageSmoothingQuality = "high";
  context.drawImage(image(about, picture, isDark), plot.x, plot.y, plot.w, plot.h);
  frame(context, canvas, plot, about.top_hz / 1000, seconds);
  return plot;
}

function image({ rows, columns }, picture, isDark) {
  const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
  const colours = palette(isDark);
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = 4 * ((rows - 1 - row) * columns + column);
      pixels.data.set(colours[bytes[row * columns + column]], at);
      pixels.data[at + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

function frame(context, canvas, plot, topKhz, seconds) {
  const style = getComputedStyle(canvas);
  context.font = `11.5px ${style.fontFamily}`;
  context.fillStyle = style.getPropertyValue("--dim");
  context.strokeStyle = style.getPropertyValue("--edge");
  context.lineWidth = 1;
  context.strokeRect(plot.x + 0.5, plot.y + 0.5, plot.w - 1, plot.h - 1);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let khz = 0; khz <= topKhz; khz += 2) {
    const y = plot.y + plot.h * (1 - khz / topKhz);
    context.fillText(khz, plot.x - 7, Math.min(plot.y + plot.h - 5, Math.max(plot.y + 6, y)));
    context.fillRect(plot.x - 4, Math.round(y) - (khz ? 0 : 1), 4, 1);
  }
  context.textBaseline = "top";
  for (const second of timeTicks(seconds, plot.w)) {
    const x = plot.x + (plot.w * second) / seconds;
    context.textAlign = second === 0 ? "left" : x > plot.x + plot.w - 12 ? "right" : "center";
    context.fillText(second, x, plot.y + plot.h + 8);
    context.fillRect(Math.min(Math.round(x), plot.x + plot.w - 1), plot.y + plot.h, 1, 4);
  }
}
