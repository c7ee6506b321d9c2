import { encodeWav } from "./wav.js";

const FALL = 0.99; // of the meter, every 128 samples: 30 dB a second

// Records one channel, as it is: without the browser's noise suppression and gain control.
export class Recorder {
  constructor(maxSeconds, onLevel) {
    this.maxSeconds = maxSeconds;
    this.onLevel = onLevel; // (peak 0 to 1, seconds so far)
  }

  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false,
               autoGainControl: false },
    });
    try {
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule("recorder-worklet.js");
      this.blocks = [];
      this.frames = this.shown = this.peak = 0;
      const tap = new AudioWorkletNode(this.context, "voxguard-tap", { numberOfOutputs: 0 });
      tap.port.onmessage = ({ data }) => this.take(data);
      this.context.createMediaStreamSource(this.stream).connect(tap);
      await this.context.resume();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  take(block) {
    if (!this.context) return; // the last blocks come after the end
    const most = this.maxSeconds * this.context.sampleRate;
    if (this.frames + block.length > most) return;
    this.blocks.push(block);
    this.frames += block.length;
    this.peak = block.reduce((peak, x) => Math.max(peak, Math.abs(x)), FALL * this.peak);
    if (this.frames < this.shown + 0.05 * this.context.sampleRate) return;
    this.shown = this.frames;
    this.onLevel(this.peak, this.frames / this.context.sampleRate);
  }

  stop() {
    const samples = new Float32Array(this.frames);
    let at = 0;
    for (const block of this.blocks) {
      samples.set(block, at);
      at += block.length;
    }
    const rate = this.context.sampleRate;
    this.release();
    return this.frames ? encodeWav([samples], rate) : null;
  }

  release() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.context = null;
    this.blocks = [];
  }
}
