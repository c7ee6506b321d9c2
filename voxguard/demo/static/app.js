import { drawFindings, showFindings } from "./findings.js";
import { followPlayers, pauseAll } from "./listening.js";
import { Recorder } from "./recorder.js";
import { ask } from "./server.js";
import { decodeHere } from "./wav.js";

const $ = (id) => document.getElementById(id);

const state = { limits: { max_seconds: 60, max_bytes: 20e6 }, recording: null, result: null,
                recorder: null, busy: false, plots: {} };

// ---- what is said ----

function sayError(error) {
  const text = String(error.message || error);
  $("error").textContent = text.replace(/^[a-z]+ /, (word) => word[0].toUpperCase() + word.slice(1));
  $("status").textContent = "";
}

function clearError() {
  $("error").textContent = "";
}

// One thing at a time; a button that was pressed keeps the focus, so none is disabled.
async function during(words, work) {
  if (state.busy) return;
  clearError();
  setBusy(true);
  $("status").textContent = words;
  try {
    await work();
  } catch (error) {
    sayError(error);
  } finally {
    setBusy(false);
  }
}

function setBusy(isBusy) {
  state.busy = isBusy;
  $("progress").hidden = !isBusy;
  for (const id of ["choose", "made", "record"]) $(id).setAttribute("aria-disabled", isBusy);
  showRun();
}

function showRun() {
  $("run").setAttribute("aria-disabled", state.busy || state.recorder || !state.recording
    ? "true" : "false");
  $("run").textContent = state.result?.method === method() ? "Again, another draw" : "Anonymize";
}

// ---- the recording ----

async function take(blob, name, isMade = false) {
  if (blob.size > state.limits.max_bytes) {
    throw new Error(`${name} has ${(blob.size / 1e6).toFixed(0)} MB, more than the `
      + `${state.limits.max_bytes / 1e6} MB that this page takes. Cut the recording, or use `
      + "voxguard anonymize.");
  }
  forget();
  let content = blob;
  let answer;
  try {
    answer = await ask("recording", content);
  } catch (error) {
    if (error.status !== 415) throw error;
    content = await decodeHere(blob, state.limits.max_seconds).catch((other) => {
      throw other instanceof RangeError ? other : error; // neither reads it: the server says why
    });
    answer = await ask("recording", content);
  }
  const url = URL.createObjectURL(await answer.blob());
  state.recording = { content, url, isMade };
  $("before").src = url;
  $("result").hidden = false;
  const [seconds, rate, channels] = ["seconds", "sample-rate", "channels"].map((header) =>
    Number(answer.headers.get(`x-${header}`)));
  const kinds = { 1: "mono", 2: "stereo" };
  $("source").textContent = `${name}: ${seconds.toFixed(seconds < 1 ? 2 : 1)}\u00a0s, `
    + `${rate / 1000}\u00a0kHz, ${kinds[channels] ?? `${channels} channels`}`;
  $("status").textContent = "Ready.";
}

function forget() {
  clearAfter();
  if (state.recording) URL.revokeObjectURL(state.recording.url);
  state.recording = null;
  $("before").removeAttribute("src");
  $("before").load();
  $("result").hidden = true;
  $("source").textContent = "";
}

async function toggleRecording() {
  if (state.recorder) {
    finishRecording();
    return;
  }
  if (state.busy) return;
  clearError();
  pauseAll();
  const recorder = new Recorder(state.limits.max_seconds, showLevel);
  state.recorder = recorder;
  try {
    await recorder.start();
  } catch (error) {
    state.recorder = null;
    sayError(new Error(`No microphone (${error.name}). Allow it for this page, or choose a file.`));
    return;
  }
  if (state.recorder !== recorder) { // stopped before it began
    recorder.release();
    return;
  }
  $("record").setAttribute("aria-pressed", "true");
  $("record").textContent = "Stop";
  $("meter").hidden = false;
  $("source").textContent = "Recording.";
  $("status").textContent = "";
  showRun();
}

function finishRecording() {
  const { recorder } = state;
  state.recorder = null;
  showRun();
  $("record").removeAttribute("aria-pressed");
  $("record").textContent = "Record";
  $("meter").hidden = true;
  const wav = recorder.context ? recorder.stop() : null;
  $("source").textContent = "";
  if (!wav) {
    sayError(new Error("Nothing was recorded; hold on a little longer."));
    return;
  }
  during("Reading the recording…", () => take(wav, "Your recording"));
}

function showLevel(peak, seconds) {
  const loud = Math.max(0, 1 + (20 * Math.log10(Math.max(peak, 1e-4))) / 60);
  $("meter").firstElementChild.style.transform = `scaleX(${loud.toFixed(3)})`;
  $("record").textContent = `Stop (${Math.floor(seconds)} s)`;
  if (seconds > state.limits.max_seconds - 0.1 && state.recorder) finishRecording();
}

// ---- the method, and the work ----

const method = () => document.querySelector('input[name="method"]:checked')?.value;

async function loadMethods() {
  const about = await (await ask("methods")).json();
  state.limits = about;
  $("hint").append(` Up to ${about.max_seconds} seconds and ${about.max_bytes / 1e6} MB.`);
  $("methods").replaceChildren(...about.methods.map(methodRow));
  const first = about.methods.find(({ error }) => !error);
  if (first) $(`method-${first.name}`).checked = true;
  showRun();
}

function methodRow({ name, summary, error }) {
  const row = document.createElement("label");
  row.className = error ? "method off" : "method";
  const input = Object.assign(document.createElement("input"),
    { type: "radio", name: "method", value: name, id: `method-${name}`, disabled: Boolean(error) });
  const words = document.createElement("span");
  const strong = Object.assign(document.createElement("strong"), { textContent: name });
  const small = Object.assign(document.createElement("small"), { textContent: summary });
  words.append(strong, small);
  if (error) {
    words.append(Object.assign(document.createElement("small"),
      { textContent: `Not here: ${error}` }));
  }
  row.append(input, words);
  return row;
}

function clearAfter() {
  const after = $("after");
  after.pause();
  if (after.src) URL.revokeObjectURL(after.src);
  after.removeAttribute("src");
  after.load();
  after.hidden = true;
  $("save").removeAttribute("href");
  $("nothing").hidden = false;
  $("nothing").textContent = "Nothing yet.";
  document.querySelectorAll(".measured").forEach((part) => { part.hidden = true; });
  state.result = null;
}

async function anonymize() {
  if (!state.recording) throw new Error("Choose a recording first.");
  const chosen = method();
  if (!chosen) throw new Error("Choose a method first.");
  clearAfter();
  let result;
  try {
    const path = `anonymize?method=${encodeURIComponent(chosen)}`;
    result = await (await ask(path, state.recording.content)).json();
  } catch (error) {
    $("nothing").textContent = "Nothing: it failed, and nothing came out.";
    throw error;
  }
  const bytes = Uint8Array.from(atob(result.audio), (c) => c.charCodeAt(0));
  delete result.audio;
  const url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
  $("after").src = url;
  $("save").href = url;
  $("after").hidden = false;
  $("nothing").hidden = true;
  document.querySelectorAll(".measured").forEach((part) => { part.hidden = false; });
  state.result = result;
  showFindings(result, state.recording.isMade);
  state.plots = drawFindings(result);
  $("status").textContent = `Done in ${result.elapsed_s.toFixed(1)} s; the result is below.`;
  showResult();
}

function showResult() {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if ($("result").getBoundingClientRect().top > 0.6 * window.innerHeight) {
    $("result").scrollIntoView({ behavior: still ? "auto" : "smooth" });
  }
}

// ---- wiring ----

followPlayers((side) => state.result
  && { ...state.plots[side], seconds: state.result.seconds });

$("record").addEventListener("click", toggleRecording);
$("choose").addEventListener("click", () => { if (!state.busy && !state.recorder) $("file").click(); });
$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  if (file) during("Reading the file…", () => take(file, file.name));
  $("file").value = "";
});
$("made").addEventListener("click", () => {
  if (state.recorder) return;
  during("Making a voice…", async () => {
    const voice = await (await ask("voice", "")).blob();
    await take(voice, "A made voice", true);
  });
});
$("run").addEventListener("click", () => { if (!state.recorder) during("Anonymizing…", anonymize); });
$("methods").addEventListener("change", showRun);

const drop = $("drop");
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file && !state.recorder) during("Reading the file…", () => take(file, file.name));
});

const redraw = () => { if (state.result) state.plots = drawFindings(state.result); };
let waiting = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(redraw);
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

loadMethods().catch(sayError);
