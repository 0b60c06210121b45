// The parts of special values as foreign bytes have them: each function returns a part of the form that it demands, or throws.
import { types } from 'node:util'
import { HOLE } from './msgpackr.js'

export const text = demanding('text', (part) => typeof part === 'string')
export const number = demanding('number', (part) => typeof part === 'number')
export const binary = demanding('binary', types.isUint8Array)
export const list = demanding('list', isList)
/** A name or key and its value, one after the other. */
export const pairs = demanding('list', (part): part is readonly unknown[] => isList(part) && part.length % 2 === 0)
/** A plain object or an array. */
export const container = demanding('node', isContainer)

/** A whole number from 0 to below `end`. */
export function index(part: unknown, end: number): number {
  if (!Number.isInteger(part) || (part as number) < 0 || (part as number) >= end) throw malformed('index')
  return part as number
}

/** The text of a binary in UTF-16. */
export function utf16(part: unknown): string {
  const { buffer, byteOffset, byteLength } = binary(part)
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf16le')
}

export function isContainer(part: unknown): part is object {
  return typeof part === 'object' && part !== null && part !== HOLE && !ArrayBuffer.isView(part)
}

export function malformed(what: string): Error {
  return new Error(`the rich form has a wrong ${what}`)
}

function isList(part: unknown): part is readonly unknown[] {
  return Array.isArray(part)
}

function demanding<T>(what: string, isDemanded: (part: unknown) => part is T): (part: unknown) => T {
  return (part) => {
    if (!isDemanded(part)) throw malformed(what)
    return part
  }
}
