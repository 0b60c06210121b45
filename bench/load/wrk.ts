// wrk as a second opinion on the load generator: the same closed loop, by a program that shares no code with ours.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findOrInstall, findProgram } from '../../test/support/install.js'

export interface WrkFigures {
  readonly perSecond: number
  readonly p95Ms: number
}

export async function wrk(url: string, connections: number, seconds: number): Promise<WrkFigures> {
  const program = findOrInstall('wrk', 'wrk', () => findProgram(['wrk']))
  const script = new URL('p95.lua', import.meta.url).pathname
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-H', 'Host: shop.example', '-s', script, url]
  const { stdout } = await promisify(execFile)(program, args)
  const [, perSecond, p95Us, errors] = /requests_per_second=([\d.]+) p95_us=([\d.]+) errors=(\d+)/.exec(stdout) ?? []
  if (perSecond === undefined || errors !== '0') throw new Error(`wrk failed: ${stdout}`)
  return { perSecond: Number(perSecond), p95Ms: Number(p95Us) / 1_000 }
}
