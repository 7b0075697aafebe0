import { useEffect, useRef } from "preact/hooks";
import { loadCode } from "../content.js";
import type { PaperContent } from "../contract.js";
import { href, navigate } from "../router.js";
import { Loading, Notice, Scroller, useAsync } from "../ui/index.js";

interface Props {
  readonly paper: PaperContent;
  readonly file?: string;
  readonly line?: number;
}

/** The files of the study and its methods; names that other files define lead there. */
export function CodeView({ paper, file, line }: Props) {
  const { value: files, error } = useAsync(() => loadCode(paper.slug), [paper.slug]);
  const text = useRef<HTMLElement>(null);
  const shown = files?.find(({ path }) => path === file) ?? files?.[0];
  useEffect(() => {
    const target = line ? text.current?.querySelector(`[data-line="${line}"]`) : undefined;
    for (const old of text.current?.querySelectorAll(".target") ?? []) old.classList.remove("target");
    target?.classList.add("target");
    target?.scrollIntoView({ block: "center" });
  }, [shown, line]);
  if (error) return <Notice kind="warn">{error}</Notice>;
  if (!files || !shown) return <Loading what="the code" />;
  const group = (role: "study" | "method") => files.filter((one) => one.role === role);
  return (
    <div class="code">
      <label class="field">
        <span>File</span>
        <select
          value={shown.path}
          onChange={({ currentTarget }) =>
            navigate(href(`/paper/${paper.slug}`, { file: currentTarget.value }), { replace: true })
          }
        >
          {(["study", "method"] as const).map(
            (role) =>
              group(role).length > 0 && (
                <optgroup key={role} label={role === "study" ? "The study" : "The methods"}>
                  {group(role).map(({ path }) => (
                    <option key={path} value={path}>
                      {path}
                    </option>
                  ))}
                </optgroup>
              ),
          )}
        </select>
      </label>
      <Scroller class="highlighted numbered" label={`Code of ${shown.path}`} html={shown.html} inner={text} />
    </div>
  );
}
