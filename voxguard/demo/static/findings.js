import { levelTicks, pitchTicks } from "./axes.js";
import { drawChart } from "./chart.js";
import { paintSpectrogram } from "./spectrogram.js";

const $ = (id) => document.getElementById(id);
const dark = window.matchMedia("(prefers-color-scheme: dark)");

const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");
const signed = (value, digits) => (value > 0 ? "+" : "") + fixed(value, digits);

// In words and figures.
export function showFindings(result, isMade) {
  showLikeness(result.likeness, isMade);
  showPitch(result.pitch, result.seconds);
  showLevel(result.level, result.seconds);
  const times = result.seconds / result.elapsed_s;
  figure("time-figure", `${fixed(result.elapsed_s, 2)} s`, `for ${fixed(result.seconds, 1)} s of audio`);
  $("time-note").textContent = `${fixed(times, times < 10 ? 1 : 0)} times real time with `
    + `${result.method} on this machine, the analysis shown here not counted.`;
}

// Everything whose size or colours are the window's.
export function drawFindings(result) {
  const { spectrogram, seconds, pitch, level, hop_s: hop } = result;
  const plots = {};
  for (const side of ["before", "after"]) {
    const canvas = $(`${side}-picture`);
    canvas.setAttribute("aria-label",
      `Spectrogram ${side}: ${fixed(seconds, 1)} seconds, 0 to ${spectrogram.top_hz / 1000} kHz`);
    plots[side] = paintSpectrogram(canvas, spectrogram, spectrogram[side], seconds, dark.matches);
  }
  const hertz = [...pitch.before_hz, ...pitch.after_hz].filter((f) => f !== null);
  const [low, high] = pitchRange(hertz);
  drawChart($("pitch-chart"), { before: pitch.before_hz, after: pitch.after_hz, hop, seconds, low,
    high, ticks: pitchTicks(low, high), unit: "Hz", log: true });
  const top = Math.min(0, 5 + most([...level.before_db, ...level.after_db], -10));
  const bottom = Math.max(-80, top - 60);
  drawChart($("level-chart"), { before: level.before_db, after: level.after_db, hop, seconds,
    low: bottom, high: top, ticks: levelTicks(bottom, top), unit: "dBFS", log: false });
  return plots;
}

function showLikeness({ before, after, strangers, error }, isMade) {
  const bars = $("likeness-bars");
  bars.replaceChildren();
  if (error) {
    figure("likeness-figure", "not measured", "", true);
    $("likeness-note").textContent = sentence(error);
    if (error.includes("pip install")) $("likeness-note").append(" The rest works without it.");
    return;
  }
  figure("likeness-figure", fixed(after, 2), "to the original voice; the same voice has 1");
  if (before !== null) bars.append(bar("before: the original’s two halves", before, ""));
  bars.append(bar("after: the original and what came out", after, "now"));
  bars.append(bar("two strangers of one sex, in the median", strangers, ""));
  $("likeness-note").textContent = "Cosine of d-vectors, by which a speaker encoder knows a voice."
    + (isMade ? " The made voice is nobody’s, and the encoder was trained on people: with a real"
      + " recording this says more." : "");
}

function showPitch({ before_median_hz: before, after_median_hz: after, correlation }, seconds) {
  const hertz = (value) => (value === null ? "none" : `${Math.round(value)}`);
  figure("pitch-figure", `${hertz(before)} → ${hertz(after)}`, "Hz in the median");
  $("pitch-note").textContent = correlation === null
    ? "The melodies cannot be compared: too little is voiced in both, or one of them is flat."
    : `The melody follows the original’s with a correlation of ${fixed(correlation, 2)}, where 1 is `
      + "the same melody and 0 another one. It carries meaning, and identifies people too.";
  $("pitch-chart").setAttribute("aria-label", `Pitch over ${fixed(seconds, 1)} seconds: median `
    + `${hertz(before)} Hz before, ${hertz(after)} Hz after`);
}

function showLevel({ change_db: change, correlation }, seconds) {
  if (change === null) figure("level-figure", "silence", "", true);
  else figure("level-figure", `${signed(change, 1)} dB`, "of speech, pauses left out");
  $("level-note").textContent = correlation === null
    ? "Its rise and fall cannot be compared: one of the two stays the same."
    : `Its rise and fall follows the original’s with a correlation of ${fixed(correlation, 2)}.`;
  $("level-chart").setAttribute("aria-label",
    `Level in dBFS over ${fixed(seconds, 1)} seconds, before and after`);
}

function figure(id, value, words, isText = false) {
  const strong = document.createElement("b");
  strong.textContent = value;
  strong.classList.toggle("text", isText);
  $(id).replaceChildren(strong, words);
}

function bar(words, value, kind) {
  const row = document.createElement("div");
  row.className = kind;
  const [term, number] = ["dt", "dd"].map((name) => document.createElement(name));
  term.textContent = words;
  number.textContent = fixed(value, 2);
  row.style.setProperty("--share", Math.max(0, Math.min(1, value)));
  row.append(term, number);
  return row;
}

// A few frames an octave off would squeeze all the others.
function pitchRange(hertz) {
  if (hertz.length < 2) return [75, 320];
  const sorted = Float64Array.from(hertz).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return [Math.max(60, at(0.02) / 1.25), Math.min(520, at(0.98) * 1.25)];
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
const most = (values, otherwise) => values.length ? values.reduce((a, b) => Math.max(a, b)) : otherwise;
