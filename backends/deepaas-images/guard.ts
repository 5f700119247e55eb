/**
 * Stands around the server of a stock DEEPaaS image, inside of it, with nothing but a POSIX shell. Its first argument is a
 * folder that the driver of the training sees (`modules/deepaas/README.md`): what the server prints goes into `stdout` and
 * `stderr` there, and `ended` tells how it ended: its exit code, `killed`, or `memory` when the system ended one of its
 * processes for want of memory, which a DEEPaaS itself never notices. A server is started once in a folder: a second start
 * by the cluster would know of no training.
 */
export const guardScript = `umask 0
told=$1
shift
server=
stopping=
word=
trap 'stopping=1; [ -z "$server" ] || kill -s TERM "$server" 2> /dev/null' TERM INT
tell() {
  printf '%s\\n' "$1" > "$told/ended.draft" && mv "$told/ended.draft" "$told/ended"
}
pause() {
  sleep 1 &
  wait $!
}
kills() {
  for file in "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/memory.events" \\
    /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    count=$(sed -n 's/^oom_kill //p' "$file" 2> /dev/null)
    [ -z "$count" ] || break
  done
  printf '%s' "\${count:-0}"
}
mkdir -p "\${told%/*}"
chmod a+rwx "\${told%/*}" 2> /dev/null
cd "\${told%/*}" || exit 1
if [ -d "$told" ]; then
  [ -e "$told/ended" ] || tell killed
  while [ -z "$stopping" ]; do pause; done
  exit 0
fi
mkdir "$told" || exit 1
before=$(kills)
"$@" >> "$told/stdout" 2>> "$told/stderr" &
server=$!
while kill -s 0 "$server" 2> /dev/null; do
  if [ "$(kills)" -gt "$before" ]; then
    word=memory
    kill -s KILL "$server"
    break
  fi
  pause
done
wait "$server"
code=$?
tell "\${word:-$code}"
rest=10
while [ -z "$stopping" ] && [ "$rest" -gt 0 ]; do
  rest=$((rest - 1))
  pause
done
exit "$code"
`;

/** The command that runs `argv` so. */
export function guarded<T>(folder: T, argv: readonly T[]): readonly (T | string)[] {
  return ['/bin/sh', '-c', guardScript, 'deepaas', folder, ...argv];
}
