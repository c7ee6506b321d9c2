import { timeTicks } from "./axes.js";

const LEFT = 34, RIGHT = 4, TOP = 22, BOTTOM = 24;

// Two contours over time; null is a gap.
export function drawChart(box, { before, after, hop, seconds, low, high, ticks, unit, log }) {
  const { clientWidth: width, clientHeight: height } = box;
  const scale = log ? Math.log : (value) => value;
  const x = (second) => LEFT + ((width - LEFT - RIGHT) * second) / seconds;
  const y = (value) => TOP + ((height - TOP - BOTTOM) * (scale(high) - scale(value)))
    / (scale(high) - scale(low));
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  svg.append(label(unit, LEFT - 7, 10, "end"));
  for (const value of ticks) {
    svg.append(node("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
    svg.append(label(value, LEFT - 7, y(value) + 4, "end"));
  }
  for (const second of timeTicks(seconds, width - LEFT - RIGHT)) {
    const anchor = x(second) > width - RIGHT - 10 ? "end" : "middle";
    svg.append(label(second, x(second), height - 6, anchor));
  }
  for (const [name, track] of [["before", before], ["after", after]]) {
    svg.append(node("path", { class: `track ${name}`, d: line(track, hop, seconds, x, y, low, high) }));
  }
  box.replaceChildren(svg);
}

function line(track, hop, seconds, x, y, low, high) {
  let path = "";
  let isDrawing = false;
  track.forEach((value, k) => {
    if (value === null || value < low || value > high) {
      isDrawing = false;
      return;
    }
    const at = `${x(Math.min(k * hop, seconds)).toFixed(1)} ${y(value).toFixed(1)}`;
    path += isDrawing ? `L${at}` : `M${at}l0 0`; // the dot shows where a frame stands alone
    isDrawing = true;
  });
  return path;
}

function label(text, x, y, anchor) {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = String(text).replace("-", "−");
  return made;
}

function node(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
