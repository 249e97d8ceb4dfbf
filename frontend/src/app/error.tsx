"use client";

import { Broken } from "@/ui/Broken";

export default function PageError() {
  return <Broken />;
}
