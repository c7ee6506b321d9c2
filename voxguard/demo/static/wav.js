// 16-bit WAV, which every decoder reads; what MediaRecorder writes (webm) libsndfile does not.

export function encodeWav(channels, rate) {
  const frames = channels[0].length;
  const view = new DataView(new ArrayBuffer(44 + 2 * frames * channels.length));
  const ascii = (at, text) => [...text].forEach((c, k) => view.setUint8(at + k, c.charCodeAt(0)));
  ascii(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  ascii(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate * channels.length, true);
  view.setUint16(32, 2 * channels.length, true);
  view.setUint16(34, 16, true);
  ascii(36, "data");
  view.setUint32(40, view.byteLength - 44, true);
  let at = 44;
  for (let frame = 0; frame < frames; frame++) {
    for (const samples of channels) {
      const value = Math.round(32768 * samples[frame]);
      view.setInt16(at, Math.max(-32768, Math.min(32767, value)), true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}

// Formats that libsndfile does not read and the browser does, such as M4A and WebM.
export async function decodeHere(blob, maxSeconds) {
  const context = new OfflineAudioContext(1, 1, 48000);
  const audio = await context.decodeAudioData(await blob.arrayBuffer());
  if (audio.duration > maxSeconds) {
    throw new RangeError(`the recording is longer than the ${maxSeconds} s that this page takes`);
  }
  const count = Math.min(2, audio.numberOfChannels);
  const channels = Array.from({ length: count }, (_, k) => audio.getChannelData(k));
  return encodeWav(channels, audio.sampleRate);
}
