// One player at a time, and a line over the spectrogram that goes with it.

const SIDES = ["before", "after"];
const $ = (id) => document.getElementById(id);

export const pauseAll = () => SIDES.forEach((side) => $(side).pause());

// `plotOf(side)` gives { x, y, w, h, seconds } of a picture, or null where there is none.
export function followPlayers(plotOf) {
  const follow = (side) => {
    const audio = $(side);
    const plot = plotOf(side);
    if (!plot) return;
    const head = $(`${side}-picture`).nextElementSibling;
    head.hidden = audio.paused && audio.currentTime === 0;
    const share = Math.min(1, audio.currentTime / plot.seconds);
    head.style.transform = `translate(${plot.x + share * plot.w}px, ${plot.y}px)`;
    head.style.height = `${plot.h}px`;
    if (!audio.paused) requestAnimationFrame(() => follow(side));
  };
  for (const side of SIDES) {
    $(side).addEventListener("play", () => {
      SIDES.filter((other) => other !== side).forEach((other) => $(other).pause());
      follow(side);
    });
    for (const event of ["seeked", "ended", "emptied"]) {
      $(side).addEventListener(event, () => follow(side));
    }
  }
}
