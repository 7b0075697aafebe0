// The safetensors format (8-byte header length, JSON header, raw little-endian data), in Node and in a page.

const VIEWS = { F32: Float32Array, I32: Int32Array };

/** Reads every tensor of a safetensors buffer: `{ name: { shape, data } }`, plus its metadata. */
export function parseSafetensors(buffer) {
  const headerLength = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, headerLength)));
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = entry.data_offsets;
    const bytes = buffer.slice(8 + headerLength + begin, 8 + headerLength + end);
    tensors[name] = { shape: entry.shape, data: new VIEWS[entry.dtype](bytes) };
  }
  return { tensors, metadata: header.__metadata__ ?? {} };
}

/** The inverse: `tensors` is `{ name: { shape, data: Float32Array | Int32Array } }`. */
export function formatSafetensors(tensors, metadata = {}) {
  const header = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const dtype = data instanceof Int32Array ? "I32" : "F32";
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (new TextEncoder().encode(text).length % 8)) % 8);
  const headerBytes = new TextEncoder().encode(text);
  const out = new Uint8Array(8 + headerBytes.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  out.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const { data } of Object.values(tensors)) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}
