// Ticks that people count by.

export function timeTicks(seconds, width) {
  const room = Math.max(1, width / 56);
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((s) => seconds / s <= room) ?? 30;
  const count = Math.floor(seconds / step + 1e-6);
  return Array.from({ length: count + 1 }, (_, k) => Math.round(k * step * 10) / 10);
}

export function levelTicks(low, high) {
  const step = high - low > 50 ? 20 : 10;
  const ticks = [];
  for (let db = Math.ceil(low / step) * step; db <= high; db += step) ticks.push(db);
  return ticks;
}

export const pitchTicks = (low, high) =>
  [60, 80, 100, 150, 200, 300, 400, 500].filter((hz) => hz >= low && hz <= high);
