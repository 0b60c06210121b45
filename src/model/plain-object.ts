// Tells data from objects with behaviour, also those of another realm (node:vm, some test runners), where `instanceof` lies.

/** An object as `{}` or `Object.create(null)` makes it: no class instance, no array, no namespace such as `Math` or a module. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.prototype.toString.call(value) !== '[object Object]')
    return false
  const prototype = Object.getPrototypeOf(value) as object | null
  // `class A extends null` has a prototype without one, too; only the root of a realm has this method itself.
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
}

/** How many prototypes `value` has: 1 for a literal, 2 for a Date or Map, one more for each subclass. */
export function countPrototypes(value: object): number {
  let count = 0
  for (let next: unknown = Object.getPrototypeOf(value); next !== null; next = Object.getPrototypeOf(next)) count++
  return count
}
