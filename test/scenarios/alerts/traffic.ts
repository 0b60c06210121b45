// Traffic on one cache, which counts by itself what the metrics have to say.
import type { Cache } from 'tiercache'
import { sleep } from '../../support/wait.js'

export class Traffic {
  reads = 0
  loads = 0
  failedLoads = 0
  /** A number for each key that is new. */
  #newKeys = 0

  constructor(readonly cache: Cache) {}

  /** Reads keys that are read all the time. */
  async hot(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.read(`hot:${i}`)
  }

  newKey(): string {
    return `new:${this.#newKeys++}`
  }

  /** Reads a key. Its load takes `loadMs`, or fails. */
  async read(key: string, { loadMs = 1, fails = false } = {}): Promise<void> {
    this.reads++
    const load = async () => {
      await sleep(loadMs)
      if (fails) this.failedLoads++
      else this.loads++
      if (fails) throw new Error('the source is down')
      return key
    }
    await this.cache.getOrSet(key, load).catch(() => undefined)
  }
}
