// A line through the spectrogram where a recording is; one recording at a time.
const recordings = [...document.querySelectorAll(".voice audio")];

for (const audio of recordings) {
  const image = audio.closest(".voice").querySelector(".voice-image");
  const draw = () => {
    const place = audio.duration ? audio.currentTime / audio.duration : 0;
    image.style.setProperty("--place", `${100 * place}%`);
    image.classList.toggle("playing", place > 0 && place < 1);
    if (!audio.paused) requestAnimationFrame(draw);
  };
  audio.addEventListener("play", () => {
    for (const other of recordings) if (other !== audio) other.pause();
    draw();
  });
  audio.addEventListener("seeked", draw);
  audio.addEventListener("ended", draw);
}
