import { expect, it } from "vitest";
import { Progress } from "../../src/cli/terminal.js";

function progress(tty: boolean, columns = 80) {
  let text = "";
  let time = 0;
  const stream = { isTTY: tty, columns, write: (part: string) => (text += part) };
  const bar = new Progress(stream, { title: "t", now: () => time });
  return {
    bar,
    at(seconds: number, done: number, label?: string) {
      time = seconds * 1000;
      bar.update(done, 100, label);
    },
    written: () => text,
  };
}

it("redraws one line in place on a terminal, with the time left", () => {
  const { at, written } = progress(true);
  at(0, 0);
  at(10, 25, "arm a");
  expect(written().split("\r\u001b[2K").at(-1)).toBe("t ██████░░░░░░░░░░░░░░░░░░  25 %  30 s left  arm a");
  expect(written()).not.toContain("\n");
});

it("does not redraw faster than the eye follows, but always at the end", () => {
  const { at, written } = progress(true);
  for (let i = 0; i <= 100; i++) at(i / 1000, i);
  expect(written().match(/\r/g)!.length).toBeLessThan(5);
  expect(written()).toContain("100 %");
});

it("keeps within the terminal's width", () => {
  const { at, written } = progress(true, 40);
  at(0, 0, "a label that is far too long for this terminal");
  expect(written().replaceAll("\r\u001b[2K", "").length).toBeLessThan(40);
});

it("puts messages above the bar, and leaves nothing of the bar at the end", () => {
  const { bar, at, written } = progress(true);
  at(0, 50);
  bar.log("hello");
  bar.end();
  const bar50 = "t ████████████░░░░░░░░░░░░  50 %";
  expect(written().split("\r\u001b[2K")).toEqual(["", bar50, "hello\n", bar50, ""]);
});

it("writes a plain line for each tenth into a pipe", () => {
  const { bar, at, written } = progress(false);
  for (let i = 0; i <= 35; i++) at(i, i);
  bar.log("hello");
  bar.end();
  expect(written()).toBe("t: 10 %, 1 min 30 s left\nt: 20 %, 1 min 20 s left\nt: 30 %, 1 min 10 s left\nt: hello\n");
});

it("counts the time left of a resumed run from where it went on", () => {
  const { at, written } = progress(false);
  at(0, 50);
  at(10, 60);
  expect(written()).toContain("t: 60 %, 40 s left\n");
});
