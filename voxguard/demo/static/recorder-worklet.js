// Hands what the microphone gives to the page; runs on the audio thread.
registerProcessor("voxguard-tap", class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage(input[0].slice());
    return true;
  }
});
