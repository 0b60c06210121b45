// One decorator, two standards: TC39 (stage 3) calls it with the method and a context, TypeScript's `experimentalDecorators`
// (NestJS) with the prototype, the name and a property descriptor.
import { CacheError, show } from '../model/errors.js'
import { classOf } from './instance.js'

export type Method = (this: never, ...args: never[]) => unknown

/** What is known of a method where it is decorated. */
export interface Place {
  readonly method: Method
  /** `undefined` for one that is private or named by a symbol: nothing to name entries by. */
  readonly name: string | undefined
  readonly isStatic: boolean
  /** The class that declares it. TC39 decorators run before there is one. */
  readonly declaredBy: object | undefined
  /** Calls `learn` with the class of each instance as it is made, or with the class itself for a static method. TC39 only. */
  onClass(learn: (type: object) => void): void
}

/**
 * Takes methods that answer a promise, in classes of either standard. One signature, so that where it stands above a method the
 * compiler infers `A`, `V` and `This` from that, and with them the types of the options' functions.
 */
export type CacheDecorator<A extends readonly unknown[] = never[], V = unknown, This = unknown> = (
  ...place:
    | [method: (this: This, ...args: A) => Promise<V>, context: ClassMethodDecoratorContext<This>]
    | [target: This & object, name: string | symbol, descriptor: { value?: (...args: A) => Promise<V> }]
) => void

/** A decorator of either standard that puts what `replace` answers in the place of a method. `name` is the decorator's, for messages. */
export function decorate<D>(name: string, replace: (place: Place) => Method): D {
  return ((first: unknown, second: unknown, third: unknown) => {
    return isContext(second) ? standard(name, replace, first, second) : legacy(name, replace, first, second, third)
  }) as D
}

function isContext(value: unknown): value is ClassMethodDecoratorContext {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function standard(
  name: string,
  replace: (place: Place) => Method,
  method: unknown,
  context: ClassMethodDecoratorContext,
): Method {
  if (context.kind !== 'method' || typeof method !== 'function') throw misplaced(name, context.name)
  const place: Place = {
    method: method as Method,
    name: context.private || typeof context.name === 'symbol' ? undefined : context.name,
    isStatic: context.static,
    declaredBy: undefined,
    onClass: (learn) => {
      context.addInitializer(function (this: unknown) {
        const type = classOf(this)
        if (type !== undefined) learn(type)
      })
    },
  }
  return dressed(replace(place), place.method)
}

function legacy(
  name: string,
  replace: (place: Place) => Method,
  target: unknown,
  key: unknown,
  descriptor: unknown,
): unknown {
  const property = descriptor as PropertyDescriptor | undefined
  const method: unknown = property?.value
  if (property === undefined || typeof method !== 'function') throw misplaced(name, key)
  const isStatic = typeof target === 'function'
  const place: Place = {
    method: method as Method,
    name: typeof key === 'symbol' ? undefined : String(key),
    isStatic,
    declaredBy: isStatic ? target : (target as object).constructor,
    onClass: () => undefined,
  }
  // Changed in place and answered: helpers that combine decorators (NestJS' `applyDecorators`) ignore the answer.
  property.value = dressed(replace(place), place.method)
  return property
}

/** What stands where `method` stood looks like it, metadata of other decorators included. */
function dressed(replaced: Method, method: Method): Method {
  Object.defineProperty(replaced, 'name', { value: method.name, configurable: true })
  Object.defineProperty(replaced, 'length', { value: method.length, configurable: true })
  for (const key of Reflect.ownKeys(method)) {
    if (!Object.hasOwn(replaced, key))
      Object.defineProperty(replaced, key, Object.getOwnPropertyDescriptor(method, key) as PropertyDescriptor)
  }
  copyMetadata(method, replaced)
  return replaced
}

/** What the package reflect-metadata, if the application has loaded it, knows of a function: NestJS keeps routes and guards there. */
function copyMetadata(from: object, to: object): void {
  const { getOwnMetadataKeys, getOwnMetadata, defineMetadata } = Reflect as Partial<Metadata>
  if (getOwnMetadataKeys === undefined || getOwnMetadata === undefined || defineMetadata === undefined) return
  for (const key of getOwnMetadataKeys(from)) defineMetadata(key, getOwnMetadata(key, from), to)
}

interface Metadata {
  getOwnMetadataKeys(target: object): unknown[]
  getOwnMetadata(key: unknown, target: object): unknown
  defineMetadata(key: unknown, value: unknown, target: object): void
}

function misplaced(name: string, what: unknown): CacheError {
  return new CacheError('INVALID_OPTION', `@${name} is for methods of classes; ${show(what)} is none`)
}
