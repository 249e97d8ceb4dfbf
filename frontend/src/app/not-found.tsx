import buttons from "@/ui/buttons.module.css";
import { Notice } from "@/ui/Notice";

export default function NotFound() {
  return (
    <Notice title="There is nothing here." words="The address may be mistyped, or the page is gone.">
      <a href="/" className={buttons.primary}>
        Go to the chat
      </a>
    </Notice>
  );
}
