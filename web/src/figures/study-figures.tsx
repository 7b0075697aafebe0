import type { MetricPoint, Row } from "../../../src/lab/study.js";
import { Loading, Notice, useAsync } from "../ui/index.js";
import { PlotFigure } from "./figure.js";

interface Props {
  readonly slug: string;
  readonly rows: readonly Row[];
  readonly metrics: readonly MetricPoint[];
}

/** The figures of a study, from rows and curves. */
export function StudyFigures({ slug, rows, metrics }: Props) {
  const { value, error } = useAsync(async () => {
    const { studies } = await import("../../../studies/index.js");
    if (!Object.hasOwn(studies, slug)) throw new Error(`there is no study "${slug}" in this version`);
    return (await studies[slug]()).default.figures(rows, metrics);
  }, [slug, rows, metrics]);
  if (error)
    return <Notice kind="warn">The figures cannot be drawn: {error}. The numbers in the table are whole.</Notice>;
  if (!value) return <Loading what="the figures" />;
  if (value.length === 0) return null;
  return (
    <>
      {value.map((figure) => (
        <PlotFigure key={figure.name} figure={figure} name={`${slug}-${figure.name}`} />
      ))}
    </>
  );
}
