// stub
import { createLoop } from "./loop.mjs";
import { loadFile, serve } from "./protocol.mjs";

serve(
  createLoop(
    {
      describe: async () => {
        throw new Error("not written yet");
      },
    },
    loadFile,
  ),
);
