// Distinguishes object literals from class instances, also those of another realm (node:vm, some test runners), where `instanceof` fails.

/** Whether `value` is an object as `{}` or `Object.create(null)` makes it: not a class instance, an array, or a namespace such as `Math`. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.prototype.toString.call(value) !== '[object Object]')
    return false
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || prototype === Object.prototype || isPrototypeOfBuiltIn(prototype, OBJECT)
}

const OBJECT: readonly string[] = ['Object']

/** Whether `prototype` is that of a built-in class with one of these names, in any realm. Subclasses have prototypes of their own. */
export function isPrototypeOfBuiltIn(prototype: object, names: readonly string[]): boolean {
  if (!Object.hasOwn(prototype, 'constructor')) return false
  const type: unknown = prototype.constructor
  if (typeof type !== 'function' || type.prototype !== prototype || !names.includes(type.name)) return false
  return Function.prototype.toString.call(type) === `function ${type.name}() { [native code] }`
}
