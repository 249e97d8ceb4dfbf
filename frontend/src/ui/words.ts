import type { Connection, Refused } from "@/connection/connection";
import type { Failure } from "@/outbox/outbox";
import type { SendProblem } from "@/room/store";
import { maxMessageChars, maxUsernameChars, type UsernameProblem } from "@/wire/limits";

/* Everything that can go wrong, in words for people. */

export function usernameWords(problem: UsernameProblem): string {
  switch (problem) {
    case "too_long":
      return `A name can have at most ${maxUsernameChars} characters.`;
    case "control_character":
      return "A name cannot contain control characters.";
  }
}

export function problemWords(problem: SendProblem): string {
  switch (problem) {
    case "empty":
      return "There is nothing to send yet.";
    case "too_long":
      return `That is too long: a message can have at most ${maxMessageChars.toLocaleString("en")} characters.`;
    case "outbox_full":
      return "Too many messages are waiting. They will be sent once you are connected.";
  }
}

export function failureWords(why: Failure): string {
  switch (why) {
    case "unavailable":
      return "The server could not store this just now.";
    case "rate_limited":
      return "You are sending too fast.";
    case "no_answer":
      return "The server did not answer.";
    case "expired":
      return "This may have been sent already. Check above before you send it again.";
    case "too_long":
      return "This is too long for the server.";
    case "empty":
    case "invalid":
      return "The server does not accept this message.";
    case "unknown":
      return "The server did not accept this message.";
  }
}

function refusedWords(why: Refused): string {
  switch (why) {
    case "forbidden":
      return "The server does not accept connections from this page.";
    case "too_many":
      return "There are too many connections from your network.";
    case "full":
      return "The room is full right now.";
  }
}

/** One or two words for the badge. */
export function badgeWords(connection: Connection): string {
  switch (connection.state) {
    case "idle":
      return "Connecting";
    case "connecting":
      return connection.waking ? "Waking the server" : "Connecting";
    case "live":
      return "Live";
    case "recovering":
      return "Reconnecting";
    case "offline":
      return "Offline";
    case "refused":
      return "Refused";
  }
}

/** A sentence for the banner; undefined if all is well, or will be in a moment. */
export function bannerWords(connection: Connection): string | undefined {
  switch (connection.state) {
    case "idle":
    case "live":
    case "recovering":
      return undefined;
    case "connecting":
      return connection.waking ? "The server is waking up. This can take a minute." : undefined;
    case "offline":
      return connection.cause === "no_network"
        ? "You are offline. Messages will be sent when you are back."
        : "The server cannot be reached. Messages will be sent when it is back.";
    case "refused":
      return refusedWords(connection.why);
  }
}
