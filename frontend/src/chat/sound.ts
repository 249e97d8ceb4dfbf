let context: AudioContext | undefined;

/** playChime plays two soft notes. The browser keeps silent until the person has touched the page once. */
export function playChime(): void {
  context ??= new AudioContext();
  void context.resume();
  note(context, 659.26, 0);
  note(context, 880, 0.11);
}

function note(context: AudioContext, frequency: number, delay: number): void {
  const start = context.currentTime + delay;
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = frequency;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.08, start + 0.015);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.5);
  tone.connect(volume).connect(context.destination);
  tone.start(start);
  tone.stop(start + 0.5);
}
