// Decimal numbers: decimal.js, Prisma's Decimal, bignumber.js and big.js.
import type { Extension } from '../model/values/extension.js'

/** A class of decimal numbers, as far as it is used here. `new Decimal(text)` must be exact. */
export interface DecimalClass<D extends object = object> {
  new (text: string): D
  /** decimal.js: recognises numbers of other copies and clones of the class, too. */
  isDecimal?(value: unknown): boolean
}

/**
 * Keeps decimal numbers: `extend: [decimal(Prisma.Decimal)]`, or with `Decimal` of decimal.js, `BigNumber` of bignumber.js, `Big` of big.js.
 * All digits survive, and so do `-0`, `NaN` and `Infinity`. Numbers come back as instances of the class given, with its settings.
 * Give each class another `name` where a cache keeps several.
 */
export function decimal<D extends object>(Decimal: DecimalClass<D>, name = 'decimal'): Extension<D> {
  return {
    name,
    is: (value) => value instanceof Decimal || Decimal.isDecimal?.(value) === true,
    // Unlike `toString()` it says the sign of zero.
    encode: (value) => String(value.valueOf()),
    decode: (text) => new Decimal(text as string),
  }
}
