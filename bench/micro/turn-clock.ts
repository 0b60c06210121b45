// What it costs a hit to notice that a test replaced `Date`: the clock of the turn, compared with one that does not look.
// Run: npx tsx bench/micro/turn-clock.ts

import { bench, do_not_optimize, run, summary } from 'mitata'
import { TurnClock } from '../../src/flow/runtime/turn-clock.js'
import { AgingClock } from '../../src/model/time/aging-clock.js'
import { systemClock } from '../../src/model/time/clock.js'

const READS = 1_024

class BlindClock {
  #nowMs = 0
  #readsLeft = 0

  nowMs(): number {
    if (this.#readsLeft > 0) {
      this.#readsLeft--
      return this.#nowMs
    }
    this.#nowMs = Math.floor(systemClock.nowMs())
    this.#readsLeft = 256
    return this.#nowMs
  }
}

const blind = new BlindClock()
const turn = new TurnClock(new AgingClock())

summary(() => {
  bench(`a clock that does not look, ${READS} reads`, () => {
    for (let i = 0; i < READS; i++) do_not_optimize(blind.nowMs())
  }).baseline(true)
  bench(`TurnClock, ${READS} reads`, () => {
    for (let i = 0; i < READS; i++) do_not_optimize(turn.nowMs())
  })
})

await run()
