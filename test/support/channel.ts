// The program's side of the channel between a test and its child process. See child.ts.

/** Sends a JSON message to the test that started this program. */
export function send(message: object): void {
  process.send?.(message)
}

/** Calls `listener` for each message of the test. It keeps this program alive until `stopListening()`. */
export function onMessage<T = unknown>(listener: (message: T) => void): void {
  process.on('message', listener as (message: unknown) => void)
}

/** Lets this program end by itself, as it would without a test. */
export function stopListening(): void {
  process.removeAllListeners('message')
  process.channel?.unref()
}
