/** Hashes for placing things: short, stable between versions, not for security. Pure. */

/** FNV-1a, 32 bits, over UTF-16 code units. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mixed(hash);
}

/** MurmurHash3's finaliser: FNV alone leaves the high bits of similar names alike. */
function mixed(hash: number): number {
  let value = hash;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): each key prefers the nodes in an order of its own. A node that
 * leaves moves only the keys that preferred it; one that joins takes its share from all.
 */
export const preference = (key: string, node: string): number => fnv1a(`${key}\n${node}`);
