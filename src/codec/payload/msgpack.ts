// The default codec: plain data as msgpackr writes it, and behind it, by kind, what that library has no exact form for.

import { asBuffer } from '../../model/as-buffer.js'
import { DEFAULT_MAX_VALUE_BYTES } from '../../model/limits.js'
import type { Codec } from '../../model/ports.js'
import { DecodeBudget } from './decode-budget.js'
import { fillHoles } from './hole-filler.js'
import { plainFormOf } from './hole-maker.js'
import { HOLE_TOKEN, Msgpackr } from './msgpackr.js'
import { checkPayload } from './payload-check.js'
import { unsupported } from './unsupported.js'

export interface MsgpackCodec extends Codec {
  /** What the value that was decoded last weighs in memory. */
  weightOf(rawBytes: number): number
}

/**
 * A codec that keeps what structured data can hold: all primitives but symbols, plain objects and arrays, Date, Map, Set, BigInt,
 * Buffer and every view, ArrayBuffer, RegExp, URL and the built-in errors, in any nesting, cycles included. `decode(encode(v))`
 * deeply and strictly equals `v`; getters are read, frozen objects come back unfrozen, and objects that several places share
 * come back shared only if they form cycles or the value is large. It refuses everything else with `UNSUPPORTED_VALUE`, and so it does
 * what would take more than its budget when decoded: that follows from `maxValueBytes`, of the largest payload.
 */
export function createMsgpackCodec(maxValueBytes: number = DEFAULT_MAX_VALUE_BYTES): MsgpackCodec {
  const msgpackr = new Msgpackr()
  const budget = new DecodeBudget(maxValueBytes)
  return {
    id: 1,
    name: 'msgpack',
    encode(value) {
      try {
        // A budget of its own: a getter of the value's may encode something itself.
        return msgpackr.pack(plainFormOf(value, new DecodeBudget(maxValueBytes)))
      } catch (error) {
        throw unsupported(value, error)
      }
    },
    decode(bytes) {
      const buffer = asBuffer(bytes)
      const isRich = buffer[0] === HOLE_TOKEN
      budget.begin()
      checkPayload(buffer, isRich ? 'rich' : 'plain', budget)
      const decoded = msgpackr.unpack(buffer, isRich)
      return isRich ? fillHoles(decoded, budget) : decoded
    },
    weightOf: (rawBytes) => budget.weightOf(rawBytes),
  }
}
