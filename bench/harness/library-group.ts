// Several processes of one library that work at the same time and share one cache in Redis.
import type { Assignment } from '../worker/messages.js'
import { LibraryProcess, type ProcessOptions, type SliceReport } from './library-process.js'

/** What a series of slices measures: one process, or several as one. */
export interface Measurable {
  slice(budgetMs: number): Promise<MeasuredSlice>
  end(): Promise<void>
}

/** Processes that work at the same time disturb one another, so their fixed piece of work says nothing about the machine. */
export type MeasuredSlice = Pick<SliceReport, 'cost' | 'details' | 'cpuShare'> &
  Partial<Pick<SliceReport, 'calibrationMs'>>

export class LibraryGroup implements Measurable {
  readonly #members: readonly LibraryProcess[]

  private constructor(members: readonly LibraryProcess[]) {
    this.#members = members
  }

  /** The first process fills Redis, and the others find it filled. */
  static async start(count: number, assignment: Assignment, options: ProcessOptions): Promise<LibraryGroup> {
    const members: LibraryProcess[] = []
    try {
      while (members.length < count) {
        const profile = members.length === 0 ? assignment.profile : undefined
        members.push(await LibraryProcess.start({ ...assignment, profile }, options))
      }
    } catch (error) {
      await Promise.all(members.map((member) => member.kill()))
      throw error
    }
    return new LibraryGroup(members)
  }

  /** The time per call of the whole group. */
  async slice(budgetMs: number): Promise<MeasuredSlice> {
    const reports = await Promise.all(this.#members.map((member) => member.slice(budgetMs)))
    return {
      cost: 1 / reports.reduce((calls, { cost }) => calls + 1 / cost, 0),
      cpuShare: reports.reduce((sum, { cpuShare }) => sum + cpuShare, 0),
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end()))
  }
}
