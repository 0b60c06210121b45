// Finds the objects that a value holds more than once, cycles included.
import { types } from 'node:util'

/** The objects that several places of `root` refer to. Walks without recursion: any depth is fine. */
export function findShared(root: object): Set<object> {
  const seen = new Set<object>()
  const shared = new Set<object>()
  const open: object[] = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (seen.has(value)) shared.add(value)
    else {
      seen.add(value)
      pushChildren(value, open)
    }
  }
  return shared
}

function pushChildren(value: object, open: object[]): void {
  if (Array.isArray(value)) pushElements(value, open)
  else if (Object.getPrototypeOf(value) === Object.prototype) pushProperties(value as Record<string, unknown>, open)
  else if (types.isMap(value)) for (const entry of value) for (const item of entry) pushObject(item, open)
  else if (types.isSet(value)) for (const item of value) pushObject(item, open)
  // Names of properties that are not enumerable, because an error's cause is not.
  else if (!ArrayBuffer.isView(value))
    for (const key of Object.getOwnPropertyNames(value)) pushObject(Reflect.get(value, key), open)
}

function pushElements(value: readonly unknown[], open: object[]): void {
  const keys = Object.keys(value)
  // An array may be a billion holes and little else.
  if (keys.length < value.length) for (const key of keys) pushObject(value[Number(key)], open)
  else for (const item of value) pushObject(item, open)
}

function pushProperties(value: Record<string, unknown>, open: object[]): void {
  for (const key in value) pushObject(value[key], open)
}

function pushObject(value: unknown, open: object[]): void {
  if (typeof value === 'object' && value !== null) open.push(value)
}
