// Tells objects as literals make them from instances of classes, also in another realm (node:vm, some test runners), where
// `instanceof` does not help.

/** An object as `{}` or `Object.create(null)` makes it: no class instance, no array, no namespace such as `Math` or a module. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.prototype.toString.call(value) !== '[object Object]')
    return false
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || prototype === Object.prototype || isPrototypeOfBuiltIn(prototype, OBJECT)
}

const OBJECT: readonly string[] = ['Object']

/** Whether it is the prototype of a built-in class of one of these names, in this realm or another. A subclass has one of its own. */
export function isPrototypeOfBuiltIn(prototype: object, names: readonly string[]): boolean {
  if (!Object.hasOwn(prototype, 'constructor')) return false
  const type: unknown = prototype.constructor
  if (typeof type !== 'function' || type.prototype !== prototype || !names.includes(type.name)) return false
  return Function.prototype.toString.call(type) === `function ${type.name}() { [native code] }`
}
