import { ChatApp } from "@/ui/ChatApp";

export default function Page() {
  return <ChatApp />;
}
