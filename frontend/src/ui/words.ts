import type { Look } from "@/browser/look";
import type { Connection, Refused } from "@/connection/connection";
import type { Failure } from "@/outbox/outbox";
import type { Admission } from "@/room/state";
import type { SendProblem } from "@/room/store";
import type { RoomRefusal, SignInRefusal } from "@/wire/contract";
import type { Limits, UsernameProblem } from "@/wire/limits";
import { type Rights, rightIn } from "@/wire/rights";
import { lobby, maxRoomNameChars, type RoomName } from "@/wire/rooms";

/* Everything that can go wrong, in words for people. */

export function usernameWords(problem: UsernameProblem, { usernameChars }: Limits): string {
  switch (problem) {
    case "too_long":
      return `A name can have at most ${usernameChars} characters.`;
    case "control_character":
      return "A name cannot contain control characters.";
  }
}

export const themeWords: Readonly<Record<Look["theme"], string>> = { system: "System", light: "Light", dark: "Dark" };

export const textSizeWords: Readonly<Record<Look["size"], string>> = {
  87: "Small",
  100: "Normal",
  115: "Large",
  130: "Larger",
};

export const givenNameWords = "Your account gives you this name.";

export function problemWords(problem: SendProblem, { messageChars }: Limits): string {
  switch (problem) {
    case "empty":
      return "There is nothing to send yet.";
    case "too_long":
      return `That is too long: a message can have at most ${messageChars.toLocaleString("en")} characters.`;
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
    case "forbidden":
      return readOnlyWords;
    case "empty":
    case "invalid":
      return "The server does not accept this message.";
    case "unknown":
      return "The server did not accept this message.";
  }
}

export const readOnlyWords = "You can read here, but not write.";

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

/** The name of a room for people. */
export function roomWords(name: RoomName): string {
  return name === lobby ? "Lobby" : name;
}

export const roomNameRule = `A name has 1 to ${maxRoomNameChars} characters: letters from A to Z, digits, dot, dash, underscore and tilde.`;

/** Rights: ours, if they are known. Every server has the lobby. */
export function roomRefusedWords(why: RoomRefusal, name: RoomName, rights: Rights | undefined): string {
  switch (why) {
    case "room_invalid":
      return "The server says that no room can have this name.";
    case "room_forbidden":
      return name === lobby || rightIn(rights, name) === "none"
        ? "This room is not open to you."
        : "This server does not have this room.";
    case "too_many_rooms":
      return "You are in too many rooms. Leave one of them, then try again.";
    case "unauthorized":
    case "expired":
      return signInWords[why];
    case "forbidden":
      return "The server does not let you in.";
  }
}

export const signInWords: Readonly<Record<SignInRefusal, string>> = {
  unauthorized: "This server needs a sign-in.",
  expired: "Please sign in again.",
};

/** Whether the server does not know for whom we speak: that concerns all rooms. */
export function needsSignIn(why: RoomRefusal): why is SignInRefusal {
  return why === "unauthorized" || why === "expired";
}

/** Whether the same request may be granted later. */
export function mayBeLetInLater(why: RoomRefusal): boolean {
  return why === "too_many_rooms" || why === "forbidden";
}

export const roomSilentWords = "This room does not answer yet. Your other rooms go on.";

/** One or two words for the badge. */
export function badgeWords(connection: Connection, admission: Admission): string {
  if (typeof admission === "object") return "Refused";
  switch (connection.state) {
    case "idle":
      return "Connecting";
    case "connecting":
      return connection.waking ? "Waking the server" : "Connecting";
    case "live":
      return admission === "inside" ? "Live" : "Joining";
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
