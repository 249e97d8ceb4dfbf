let context: AudioContext | undefined;

/** A sound that is later than this has lost its occasion. */
const patienceMs = 500;

/**
 * playChime plays two soft notes, or nothing: the browser is silent until the first click or key, and delayed sounds
 * must not play all at once then.
 */
export async function playChime(): Promise<void> {
  try {
    context ??= new AudioContext();
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, patienceMs))]);
    if (context.state !== "running") return;
    note(context, 659.26, 0);
    note(context, 880, 0.11);
  } catch {
    // The browser has no sound or does not allow it.
  }
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
