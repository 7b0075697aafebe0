import { useState } from "preact/hooks";
import type { Look } from "../../../src/data/brought-look.js";
import type { BroughtOptions } from "../../../src/data/brought-names.js";
import { loadCatalogue } from "../content.js";
import type { PaperLine, Place, UserData } from "../contract.js";
import { places as allPlaces } from "../places/index.js";
import { href, type PageProps } from "../router.js";
import { Button, formatBytes, formatDate, Loading, Notice, useAsync } from "../ui/index.js";
import { DropZone } from "./drop-zone.js";
import { LookView } from "./look.js";
import "./data.css";

export default function DataPage(_: PageProps) {
  const { value, error } = useAsync(async () => {
    const [places, { papers }] = await Promise.all([allPlaces(), loadCatalogue()]);
    return { places, papers: papers.filter(({ dataOption }) => dataOption) };
  }, []);
  if (error) return <Notice kind="error">{error}</Notice>;
  if (!value) return <Loading what="your data" />;
  return <Data places={value.places} papers={value.papers} />;
}

interface Brought {
  readonly files: readonly File[];
  readonly look: Look;
  readonly options: BroughtOptions;
}

function Data({ places, papers }: { readonly places: readonly Place[]; readonly papers: readonly PaperLine[] }) {
  const { value: kept, reload } = useAsync(
    () => Promise.all(places.map(async (place) => ({ place, ...(await listed(place)) }))),
    [places],
  );
  const [brought, setBrought] = useState<Brought>();
  const [looking, setLooking] = useState(false);
  const [failure, setFailure] = useState<string>();
  const [said, setSaid] = useState<string>();

  const look = async (files: readonly File[], options: BroughtOptions = {}) => {
    setFailure(undefined);
    setSaid(undefined);
    setLooking(true);
    try {
      const { lookAtFiles } = await import("./read.js");
      setBrought({ files, options, look: await lookAtFiles(files, options) });
    } catch (error) {
      setBrought(undefined);
      setFailure((error as Error).message);
    } finally {
      setLooking(false);
    }
  };
  const keep = async (place: Place, name: string) => {
    setFailure(undefined);
    try {
      const { name: own, about } = await place.addData(name, brought!.files, brought!.options);
      setBrought(undefined);
      setSaid(`“${own}” is kept in ${place.label}: ${about}.`);
      reload();
    } catch (error) {
      setFailure((error as Error).message);
    }
  };
  const remove = async (place: Place, { name }: UserData) => {
    try {
      await place.removeData(name);
      setSaid(`“${name}” is deleted.`);
    } catch (error) {
      setFailure((error as Error).message);
    }
    reload();
  };

  return (
    <div class="data-page">
      <h1>Your data</h1>
      <p>
        Bring a table (CSV), a pair of IDX files, an <code>.npz</code> archive with inputs and labels, or an ONNX model.
        It is looked at in this page; nothing leaves your machine.
      </p>
      <DropZone onFiles={(files) => void look(files)} />
      {looking && <Loading what="the files" />}
      {failure && <Notice kind="error">{failure}</Notice>}
      <p role="status">{said}</p>
      {brought && (
        <LookView
          key={brought.files.map(({ name }) => name).join()}
          look={brought.look}
          files={brought.files}
          options={brought.options}
          places={places}
          onOptions={(options) => void look(brought.files, options)}
          onKeep={keep}
          onDrop={() => setBrought(undefined)}
        />
      )}
      <section aria-labelledby="kept">
        <h2 id="kept">Kept</h2>
        {!kept ? (
          <Loading what="what is kept" />
        ) : kept.every(({ sets, problem }) => sets.length === 0 && !problem) ? (
          <p class="soft">Nothing yet.</p>
        ) : (
          kept.map(({ place, sets, problem }) => (
            <div key={place.kind}>
              {problem && <Notice kind="warn">{problem}</Notice>}
              <ul class="sets">
                {sets.map((set) => (
                  <li key={set.name} class="card">
                    <h3>{set.name}</h3>
                    <p class="soft small">
                      {set.problem ?? set.about} · {formatBytes(set.bytes)} · in {place.label}
                      {set.added && ` · ${formatDate(set.added)}`}
                    </p>
                    <p class="buttons">
                      {set.kind !== "onnx" &&
                        !set.problem &&
                        papers.map(({ slug }) => (
                          <a key={slug} class="button" href={href(`/paper/${slug}`, { data: `brought:${set.name}` })}>
                            Use in {slug}
                          </a>
                        ))}
                      <Button kind="danger" onClick={() => void remove(place, set)}>
                        Delete <span class="visually-hidden">{set.name}</span>
                      </Button>
                    </p>
                  </li>
                ))}
              </ul>
            </div>
          ))
        )}
      </section>
    </div>
  );
}

async function listed(place: Place): Promise<{ readonly sets: readonly UserData[]; readonly problem?: string }> {
  try {
    return { sets: await place.data() };
  } catch (error) {
    return { sets: [], problem: `The data sets of ${place.label} cannot be listed: ${(error as Error).message}` };
  }
}
