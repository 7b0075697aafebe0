import type { Choice, choices, FilterKey, RunQuery } from "./filter.js";

interface Props {
  readonly query: RunQuery;
  readonly choices: ReturnType<typeof choices>;
  readonly onChange: (query: RunQuery) => void;
}

const labels = {
  paper: "Paper",
  status: "Status",
  verdict: "Verdict",
  place: "Place",
  tag: "Tag",
} as const satisfies Partial<Record<FilterKey, string>>;

/** A search and a choice for each thing that runs differ in. */
export function Filters({ query, choices, onChange }: Props) {
  const set = (key: FilterKey, value: string) => onChange({ ...query, [key]: value || undefined });
  return (
    <search class="runs-filters">
      <label class="field runs-search">
        <span>Search</span>
        <input
          type="search"
          value={query.text ?? ""}
          placeholder="title, name, tag …"
          onInput={({ currentTarget }) => set("text", currentTarget.value)}
        />
      </label>
      {(Object.keys(labels) as (keyof typeof labels)[]).map((key) => (
        <Select
          key={key}
          label={labels[key]}
          value={query[key]}
          choices={choices[key]}
          onChange={(value) => set(key, value)}
        />
      ))}
    </search>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value?: string;
  readonly choices: readonly Choice[];
  readonly onChange: (value: string) => void;
}

function Select({ label, value, choices, onChange }: SelectProps) {
  // What is asked for stays visible, even where no run has it.
  const unknown = value !== undefined && !choices.some((choice) => choice.value === value);
  if (choices.length === 0 && !unknown) return null;
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value ?? ""} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">all</option>
        {unknown && <option value={value}>{value} (0)</option>}
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label} ({choice.count})
          </option>
        ))}
      </select>
    </label>
  );
}
