/** The bytes of an IDX file, made independently of the reader under test. */
export function idxBytes(type: number, shape: readonly number[], values: readonly number[]): Uint8Array {
  const width = { 8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 }[type]!;
  const start = 4 + 4 * shape.length;
  const bytes = new Uint8Array(start + values.length * width);
  const view = new DataView(bytes.buffer);
  view.setUint8(2, type);
  view.setUint8(3, shape.length);
  shape.forEach((length, axis) => {
    view.setUint32(4 + 4 * axis, length);
  });
  const put = {
    8: view.setUint8,
    9: view.setInt8,
    11: view.setInt16,
    12: view.setInt32,
    13: view.setFloat32,
    14: view.setFloat64,
  }[type]!;
  values.forEach((value, i) => {
    put.call(view, start + i * width, value);
  });
  return bytes;
}
