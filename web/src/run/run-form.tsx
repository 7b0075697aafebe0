import { useId, useState } from "preact/hooks";
import type { Control, Scale } from "../../../src/lab/study.js";
import type { PaperContent, Place } from "../contract.js";
import { places as allPlaces } from "../places/index.js";
import { href, navigate, parseHash } from "../router.js";
import { Button, Loading, Notice, useAsync } from "../ui/index.js";
import { type FormState, ownValue, readForm } from "./form.js";
import "./run.css";

const scaleNames: Readonly<Record<Scale, string>> = {
  smoke: "Smoke: shows that all works, in seconds to minutes",
  standard: "Standard: the verdict that counts",
  full: "Full: as large as the paper's",
};

/** Chooses how a study runs and where, and starts it. */
export function RunForm({ paper }: { readonly paper: PaperContent }) {
  const { value: places, error } = useAsync(allPlaces, []);
  if (error) return <Notice kind="error">Nothing can be started here: {error}. The results above are whole.</Notice>;
  if (!places) return <Loading what="the places to run" />;
  return <Form paper={paper} places={places} />;
}

function Form({ paper, places }: { readonly paper: PaperContent; readonly places: readonly Place[] }) {
  const study = paper.study!;
  const id = useId();
  const scales = Object.keys(study.scales) as Scale[];
  const asked = parseHash(globalThis.location.hash).query.get("data") ?? "";
  const [form, setForm] = useState<FormState>({ scale: scales[0], seeds: "", options: {}, data: asked });
  const [kind, setKind] = useState(places[0].kind);
  const place = places.find((one) => one.kind === kind) ?? places[0];
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [failure, setFailure] = useState<string>();
  const [starting, setStarting] = useState(false);
  const { value: device } = useAsync(() => place.device(), [place]);
  const { value: sets = [] } = useAsync(() => (study.dataOption ? place.data() : Promise.resolve([])), [place]);
  const change = (some: Partial<FormState>) => setForm({ ...form, ...some });
  const info = study.scales[form.scale];
  const result = readForm(paper.slug, study, form);

  const start = async (event: Event) => {
    event.preventDefault();
    if ("problems" in result) {
      setProblems(result.problems);
      return;
    }
    setProblems({});
    setFailure(undefined);
    setStarting(true);
    try {
      const job = await place.start(result.request);
      navigate(href(`/job/${place.kind}/${job.id}`));
    } catch (error) {
      setFailure((error as Error).message);
      setStarting(false);
    }
  };

  return (
    <form class="run-form card" onSubmit={start} noValidate>
      <fieldset>
        <legend>Scale</legend>
        {scales.map((scale) => (
          <label key={scale} class="option">
            <input
              type="radio"
              name={`${id}-scale`}
              checked={form.scale === scale}
              onChange={() => change({ scale, options: {} })}
            />
            <span>
              {scaleNames[scale]}
              <span class="about">{study.scales[scale]?.about}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="grid">
        <Field
          label="Seeds"
          about={`How many (3) or which (0, 2, 5). As the scale has it: ${info?.seeds.join(", ")}`}
          problem={problems.seeds}
        >
          {(field) => (
            <input
              {...field}
              type="text"
              inputMode="numeric"
              value={form.seeds}
              placeholder={info?.seeds.join(", ")}
              onInput={({ currentTarget }) => change({ seeds: currentTarget.value })}
            />
          )}
        </Field>
        {Object.entries(study.controls).map(([name, control]) => (
          <ControlField
            key={name + form.scale}
            control={control}
            own={ownValue(study, form.scale, name)}
            value={form.options[name]}
            problem={problems[name]}
            onChange={(value) => change({ options: { ...form.options, [name]: value } })}
          />
        ))}
        {study.dataOption && (
          <Field
            label="Data"
            about={sets.length > 0 ? "Sets that you brought, or the scale's own" : "Bring your own under “Your data”"}
            problem={problems.data}
          >
            {(field) => (
              <select
                {...field}
                value={form.data}
                onChange={({ currentTarget }) => change({ data: currentTarget.value })}
              >
                <option value="">As the scale has it</option>
                {sets
                  .filter(({ kind: of, problem }) => of !== "onnx" && !problem)
                  .map(({ name, about }) => (
                    <option key={name} value={`brought:${name}`}>
                      {name} ({about})
                    </option>
                  ))}
              </select>
            )}
          </Field>
        )}
        {places.length > 1 && (
          <Field label="Where" about="A run on the server goes on when this tab is closed">
            {(field) => (
              <select
                {...field}
                value={kind}
                onChange={({ currentTarget }) => setKind(currentTarget.value as Place["kind"])}
              >
                {places.map((one) => (
                  <option key={one.kind} value={one.kind}>
                    {one.kind === "tab" ? "In this tab" : "On the server"}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
      </div>
      {"changed" in result && result.changed && (
        <Notice kind="info">
          With changed options the run measures something else than the study asks: its verdict does not count.
        </Notice>
      )}
      {form.scale !== "smoke" && place.kind === "tab" && (
        <Notice kind="warn">
          This scale is made for a whole machine: in a tab it takes several times as long, and the tab must stay open.
        </Notice>
      )}
      {device?.warning && <Notice kind="warn">{device.warning}</Notice>}
      {failure && <Notice kind="error">The run could not be started: {failure}</Notice>}
      <p class="buttons">
        <Button kind="primary" type="submit" disabled={starting}>
          {starting ? "Starting …" : place.kind === "tab" ? "Run in this tab" : "Run on the server"}
        </Button>
        <span class="soft small">{device?.about}</span>
      </p>
    </form>
  );
}

interface FieldProps {
  readonly label: string;
  readonly about?: string;
  readonly problem?: string;
  readonly children: (field: {
    id: string;
    "aria-describedby": string;
    "aria-invalid": boolean;
  }) => preact.ComponentChildren;
}

function Field({ label, about, problem, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": `${id}-about`, "aria-invalid": problem !== undefined })}
      <span id={`${id}-about`} class={problem ? "about wrong" : "about"}>
        {problem ?? about}
      </span>
    </div>
  );
}

interface ControlProps {
  readonly control: Control;
  readonly own: string | readonly string[];
  readonly value: string | readonly string[] | undefined;
  readonly problem?: string;
  readonly onChange: (value: string | readonly string[]) => void;
}

function ControlField({ control, own, value, problem, onChange }: ControlProps) {
  const id = useId();
  if (control.kind === "choices") {
    const chosen = (value ?? own) as readonly string[];
    return (
      <fieldset class="choices" aria-describedby={problem ? `${id}-problem` : undefined}>
        <legend>{control.label}</legend>
        {control.of.map((one) => (
          <label key={one} class="option">
            <input
              type="checkbox"
              checked={chosen.includes(one)}
              onChange={() =>
                onChange(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one])
              }
            />
            {one}
          </label>
        ))}
        {problem && (
          <span id={`${id}-problem`} class="about wrong">
            {problem}
          </span>
        )}
      </fieldset>
    );
  }
  const range = control.kind === "choice" ? "" : `${control.min} to ${control.max}`;
  return (
    <Field label={control.label} about={[control.about, range].filter(Boolean).join("; ")} problem={problem}>
      {(field) =>
        control.kind === "choice" ? (
          <select
            {...field}
            value={(value ?? own) as string}
            onChange={({ currentTarget }) => onChange(currentTarget.value)}
          >
            {control.of.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        ) : (
          <input
            {...field}
            type="text"
            inputMode={control.kind === "integer" ? "numeric" : "decimal"}
            value={(value ?? "") as string}
            placeholder={own as string}
            onInput={({ currentTarget }) => onChange(currentTarget.value)}
          />
        )
      }
    </Field>
  );
}
