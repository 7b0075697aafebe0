import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Figure, Row } from "../../../src/lab/study.js";
import type { CsvRecord } from "./csv.js";
import { exportCsv, exportFigure, exportPng, exportReport, exportSvg } from "./index.js";
import type { RunReport } from "./report.js";
import "./menu.css";

export interface ExportMenuProps {
  /** The name of the files, without extension. */
  readonly name: string;
  /** What the button says. Default: `Export`. */
  readonly label?: string;
  /** A figure of a study, drawn anew with its title and legend … */
  readonly figure?: Figure;
  /** … or what is drawn on the page. */
  readonly svg?: () => SVGElement | null | undefined;
  readonly rows?: () => readonly (Row | CsvRecord)[] | Promise<readonly (Row | CsvRecord)[]>;
  readonly report?: () => RunReport | string | Promise<RunReport | string>;
}

interface Choice {
  readonly label: string;
  readonly about: string;
  readonly save: () => void | Promise<void>;
}

/** A list that starts at the button's left end needs about so much room, in pixels. */
const listWidth = 320;

/** A button that opens the list of files that can be saved; what failed is said in a sentence below it. */
export function ExportMenu({ name, label = "Export", ...what }: ExportMenuProps) {
  const [open, setOpen] = useState(false);
  const [fromRight, setFromRight] = useState(false);
  const [said, setSaid] = useState<{ readonly text: string; readonly failed: boolean }>();
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useId();

  useEffect(() => {
    if (!open) return;
    const outside = ({ target }: Event) => {
      if (!root.current?.contains(target as Node)) setOpen(false);
    };
    const leave = ({ key }: KeyboardEvent) => {
      if (key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("keydown", leave);
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("keydown", leave);
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open]);

  const save = async (choice: Choice) => {
    setOpen(false);
    button.current?.focus();
    setSaid({ text: `Making the ${choice.label} file …`, failed: false });
    try {
      await choice.save();
      setSaid({ text: `The ${choice.label} file is saved.`, failed: false });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      setSaid({ text: `The ${choice.label} file could not be made: ${why}`, failed: true });
    }
  };

  const choices = choicesOf(name, what);
  if (choices.length === 0) return null;
  return (
    <div class="export-menu" ref={root}>
      <button
        type="button"
        class="button"
        ref={button}
        aria-expanded={open}
        aria-controls={list}
        onClick={({ currentTarget }) => {
          setFromRight(currentTarget.getBoundingClientRect().left + listWidth > innerWidth);
          setOpen(!open);
        }}
      >
        {label}
      </button>
      <ul id={list} class={fromRight ? "export-list from-right" : "export-list"} hidden={!open}>
        {choices.map((choice) => (
          <li key={choice.label}>
            <button type="button" onClick={() => void save(choice)}>
              <span>{choice.label}</span> <span class="export-about">{choice.about}</span>
            </button>
          </li>
        ))}
      </ul>
      <p role="status" class={said?.failed ? "export-said export-failed" : "visually-hidden"}>
        {said?.text}
      </p>
    </div>
  );
}

function choicesOf(name: string, { figure, svg, rows, report }: Omit<ExportMenuProps, "name" | "label">): Choice[] {
  const choices: Choice[] = [];
  const drawn = () => {
    const found = svg?.();
    if (!found) throw new Error("nothing is drawn yet");
    return found;
  };
  if (figure || svg) {
    choices.push(
      {
        label: "SVG",
        about: "the figure, to edit",
        save: () => (figure ? exportFigure(figure, "svg", name) : exportSvg(drawn(), name)),
      },
      {
        label: "PNG",
        about: "the figure, as an image",
        save: () => (figure ? exportFigure(figure, "png", name) : exportPng(drawn(), name)),
      },
    );
  }
  if (rows) choices.push({ label: "CSV", about: "the numbers", save: async () => exportCsv(await rows(), name) });
  if (report) {
    choices.push({
      label: "HTML report",
      about: "all in one file",
      save: async () => exportReport(await report(), name),
    });
  }
  return choices;
}
