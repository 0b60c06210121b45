-- What wrk does not print by itself: the 95th percentile.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('requests_per_second=%.3f p95_us=%.1f errors=%d\n', summary.requests * 1e6 / summary.duration,
    latency:percentile(95), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
