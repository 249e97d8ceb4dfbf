"use client";

import type { SignInRefusal } from "@/wire/contract";
import buttons from "./buttons.module.css";
import { NoticeScreen } from "./Notice";
import { signInWords } from "./words";

const words =
  "Only people with an account can come in here. Sign in where you have yours, and open this page from there.";

/** Shown if the server does not know for whom we speak. What was written and not sent stays in the tab. */
export function SignIn({ why }: { why: SignInRefusal }) {
  return (
    <NoticeScreen role="alert" title={signInWords[why]} words={words}>
      <button type="button" className={buttons.primary} onClick={() => window.location.reload()}>
        Try again
      </button>
    </NoticeScreen>
  );
}
