// A CPU profile of the measured part alone: `node --cpu-prof` would also show how the cache was filled.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const SAMPLED_EVERY_US = 200

/** Starts to profile this process. The returned function ends that and writes the file. */
export async function startProfile(path: string): Promise<() => Promise<void>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLED_EVERY_US })
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    writeFileSync(path, JSON.stringify(profile))
    session.disconnect()
  }
}
