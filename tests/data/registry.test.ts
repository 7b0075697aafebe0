import { describe, expect, it } from "vitest";
import { dataNames, describeData, loadData, locateData, obtainData, size } from "../../src/data/index.js";
import { HebbError } from "../../src/engine/errors.js";

describe("the table of data sets", () => {
  it.each(dataNames)("describes %s", (name) => {
    for (const value of Object.values(describeData(name))) expect(value).not.toBe("");
  });

  it("loads by name", async () => {
    expect(size(await loadData("digits"))).toBe(1797);
    expect(await locateData("digits")).toBe("shipped inside the package");
    expect(await obtainData("digits")).toBe("shipped inside the package");
  });

  it("answers an unknown name with the nearest one", async () => {
    expect(() => describeData("fashion-minst")).toThrow(
      'There is no data set "fashion-minst"; did you mean "fashion-mnist"?',
    );
    expect(() => describeData("imagenet-1k-2012-full")).toThrow("there are digits, fashion-mnist,");
    expect(() => describeData("toString")).toThrow(HebbError);
    await expect(loadData("digit")).rejects.toThrow('did you mean "digits"?');
    await expect(locateData("digit")).rejects.toThrow(HebbError);
    await expect(obtainData("digit")).rejects.toThrow(HebbError);
  });
});
