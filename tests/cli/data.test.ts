import { expect, it } from "vitest";
import { dataNames } from "../../src/data/registry.js";
import { hebb, world } from "./world.js";

it("hebb data --json lists all data sets, or says where one is", async () => {
  const all = world();
  expect(await hebb(all, "data --json")).toBe(0);
  const sets = JSON.parse(all.out());
  expect(sets.map(({ name }: { name: string }) => name)).toEqual(dataNames);
  const one = world();
  const shipped = sets.find(({ place }: { place: string | null }) => place?.includes("inside the package"));
  expect(await hebb(one, `data ${shipped.name} --json`)).toBe(0);
  expect(JSON.parse(one.out())).toEqual(shipped);
  expect(Object.keys(sets[0])).toEqual(["name", "what", "licence", "source", "obtained", "place"]);
  expect(one.err()).toBe("");
});
