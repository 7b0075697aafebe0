import { withInterval } from "../lab/numbers.js";
import type { RunRecord } from "../lab/record.js";
import type { Condition } from "../lab/study.js";
import { summarise } from "../lab/table.js";
import { columns } from "./format.js";
import { type Io, styled } from "./io.js";

/** The most lines of results to print; the report has them all. */
const mostLines = 60;
const defaultWidth = 120;

/** What a run measured and concluded, for a person. */
export function printResults(io: Io, record: RunRecord): void {
  for (const block of resultBlocks(record, io.stdout.columns ?? defaultWidth)) {
    const [heading, ...lines] = columns(block);
    io.stdout.write(`\n${styled(io, io.stdout, "bold", heading)}\n`);
    for (const line of lines.slice(0, mostLines)) io.stdout.write(`${line}\n`);
    if (lines.length > mostLines) io.stdout.write(`… and ${lines.length - mostLines} more lines in the report\n`);
  }
  const { judgement } = record;
  if (!judgement) return;
  const condition = ({ name, holds, detail }: Condition) => {
    const mark = holds ? styled(io, io.stdout, "green", "✓ holds") : styled(io, io.stdout, "red", "✗ fails");
    io.stdout.write(`${mark}  ${name}: ${detail}\n`);
  };
  io.stdout.write("\n");
  judgement.conditions.forEach(condition);
  if (judgement.side?.length) {
    io.stdout.write("Side claims, without a say in the verdict:\n");
    judgement.side.forEach(condition);
  }
  io.stdout.write(`\n${verdictLine(io, record)}\n`);
}

function verdictLine(io: Io, { judgement, scale }: RunRecord): string {
  const { verdict, reason } = judgement!;
  if (scale === "smoke") {
    const head = styled(io, io.stdout, "yellow", "No verdict: smoke scale gives none that counts.");
    return `${head} The criterion, applied to these few numbers all the same, says "${verdict}". ${reason}`;
  }
  const tone =
    verdict === "replicated" ? "green" : verdict === "contradicted" || verdict === "invalid" ? "red" : "yellow";
  return `${styled(io, io.stdout, tone, `Verdict: ${verdict}.`)} ${reason}`;
}

/** The table arms x measures, cut between measures into blocks that are narrow enough. */
function resultBlocks(record: RunRecord, width: number): string[][][] {
  const lines = summarise(record.rows);
  const settings = [...new Set(lines.flatMap((line) => Object.keys(line.setting)))];
  const measures = [...new Set(lines.flatMap((line) => Object.keys(line.measures)))];
  const columnOf = (heading: string, cell: (line: (typeof lines)[number]) => string) => [heading, ...lines.map(cell)];
  const keys = [
    columnOf("arm", ({ arm }) => arm),
    ...settings.map((name) => columnOf(name, ({ setting }) => String(setting[name] ?? ""))),
  ];
  const values = measures.map((name) => {
    const { label = name, unit } = record.measures[name] ?? {};
    return columnOf(unit ? `${label} (${unit})` : label, ({ measures }) => {
      const cell = measures[name];
      if (!cell) return "";
      const { mean, interval } = withInterval(cell.mean, cell.low, cell.high);
      return interval ? `${mean} ${interval}` : mean;
    });
  });
  const widthOf = (column: readonly string[]) => Math.max(...column.map((text) => text.length)) + 2;
  const keyWidth = keys.reduce((sum, column) => sum + widthOf(column), 0);
  const blocks: string[][][] = [];
  let free = 0;
  for (const column of values) {
    if (blocks.length === 0 || widthOf(column) > free) {
      blocks.push([...keys]);
      free = width - keyWidth;
    }
    blocks.at(-1)!.push(column);
    free -= widthOf(column);
  }
  return blocks.map((block) => block[0].map((_, row) => block.map((column) => column[row])));
}
