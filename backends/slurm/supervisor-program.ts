/**
 * What the batch script becomes on the node. In Perl without modules, because that is what every node of a cluster has;
 * a shell cannot tell exit code 137 from SIGKILL. It shares nothing with us but the files of the job's folder:
 *
 * | file | written by | meaning |
 * |---|---|---|
 * | `launch` | us, with the folder | settings, argv and environment, each field ended by NUL |
 * | `secrets` | us, mode 0600 | NAME=VALUE ended by NUL; deleted as soon as it was read |
 * | `claim/` | supervisor, mkdir | the one job that runs this; any other job of the folder does nothing |
 * | `started.json` | supervisor, once | the program runs; how often Slurm had requeued the job before |
 * | `beat` | supervisor | touched while the program runs |
 * | `cancel.json` | us, once | the end is wanted, also when Slurm cannot be told |
 * | `exit.json` | supervisor, once | how it ended |
 * | `failure` | `rank.pl`, once | on several nodes: code and signal of the first that failed |
 * | `log/` | supervisor | as `backends/work-folder/log-segments.ts` says |
 */
export const supervisorProgram = String.raw`use strict;
use warnings;

my $clock = eval { require Time::HiRes; 1 };
my $longest = 16384;
my $job = $ENV{SLURM_JOB_ID} || '';
# Numbers of elements are given as Slurm splits them off; this name of theirs stays.
$job = "$ENV{SLURM_ARRAY_JOB_ID}_$ENV{SLURM_ARRAY_TASK_ID}" if defined $ENV{SLURM_ARRAY_JOB_ID} && defined $ENV{SLURM_ARRAY_TASK_ID};

sub now { return $clock ? Time::HiRes::time() : time() }
sub ms { return int($_[0] * 1000) }

sub quoted {
  my ($text) = @_;
  $text =~ s/(["\\])/\\$1/g;
  $text =~ s/([\x00-\x1f\x7f])/sprintf('\\u%04x', ord($1))/ge;
  return '"' . $text . '"';
}

sub slurp {
  my ($path) = @_;
  open(my $file, '<', $path) or return undef;
  binmode $file;
  local $/;
  my $text = <$file>;
  close $file;
  return defined $text ? $text : '';
}

sub write_whole {
  my ($path, $text) = @_;
  my $draft = "$path.$$.draft";
  open(my $file, '>', $draft) or return 0;
  binmode $file;
  my $good = print {$file} $text;
  $good = close($file) && $good;
  return $good && rename($draft, $path);
}

# Without a record of the end nobody may believe in one, so a full disk is waited out.
sub write_end {
  my ($text) = @_;
  until (write_whole('exit.json', $text)) { sleep 1 }
}

sub not_started {
  my ($cause, $why) = @_;
  write_end('{"cause":"' . $cause . '","job":' . quoted($job) . ',"code":null,"signal":null,"stop":null,"startedAt":null,"endedAt":'
    . ms(now()) . ',"lines":[' . quoted($why) . ']}');
  exit($cause eq 'CANCELLED' ? 0 : 126);
}

my $umask = umask 077;
my $launch = slurp('launch');
die "fathom: the file launch is missing\n" unless defined $launch;
my @fields = split /\0/, $launch, -1;
if (shift(@fields) ne $ARGV[0]) {
  print STDERR "fathom: the folder belongs to a later job\n";
  exit 75;
}
unless (mkdir 'claim') {
  die "fathom: the folder of the job cannot be written: $!\n" unless -d 'claim';
  print STDERR "fathom: another job has taken this work, so this one does nothing\n";
  exit 75;
}
write_whole('claim/job.json', '{"job":' . quoted($job) . '}');

my ($work, $limit_ms, $grace_ms, $log_limit, $argc) = splice @fields, 0, 5;
my @argv = splice @fields, 0, $argc;
my @settings = splice @fields, 0, shift @fields;
my $wants_secrets = shift @fields;
my @secrets;
if ($wants_secrets) {
  my $text = slurp('secrets');
  unlink 'secrets';
  not_started('NOT_STARTED', 'Its secrets are not there any more.') unless defined $text;
  @secrets = split /\0/, $text;
}
not_started('CANCELLED', 'It was cancelled before it started.') if -e 'cancel.json';

my %program_env = %ENV;
my @me = getpwuid($<);
$program_env{HOME} = $me[7] if @me && !defined $program_env{HOME};
$program_env{USER} = $program_env{LOGNAME} = $me[0] if @me && !defined $program_env{USER};
$program_env{PATH} = '/usr/local/bin:/usr/bin:/bin' unless defined $program_env{PATH};
for (@settings, @secrets) {
  my ($name, $value) = split /=/, $_, 2;
  $program_env{$name} = $value;
}

mkdir 'log';
open(my $log, '>>', 'log/0000000000000000.log') or die "fathom: the log cannot be written: $!\n";
my ($size, $full, $dropped, $torn) = (0, 0, 0, 0);

sub append {
  my ($text) = @_;
  $text = "\n$text" if $torn;
  my $done = 0;
  while ($done < length $text) {
    my $wrote = syswrite($log, $text, length($text) - $done, $done);
    next if !defined $wrote && $! == 4;
    if (!defined $wrote) {
      $dropped += length($text) - $done;
      $torn = 1 if $done > 0;
      return;
    }
    $done += $wrote;
    $size += $wrote;
  }
  $torn = 0;
}

sub put {
  my ($text) = @_;
  if (!$full && $size + length($text) > $log_limit) {
    $full = 1;
    append(ms(now()) . " E fathom: the log has reached its limit of $log_limit bytes; further output is dropped\n");
  }
  if ($full) { $dropped += length $text }
  else { append($text) }
}

sub cut {
  my ($line) = @_;
  return $line if length($line) <= $longest;
  my $end = $longest - 3;
  $end-- while $end > 0 && (ord(substr($line, $end, 1)) & 0xc0) == 0x80;
  return substr($line, 0, $end) . "\xe2\x80\xa6";
}

my %partial = (O => '', E => '');
my %tail = (O => '', E => '');

sub take {
  my ($letter, $chunk) = @_;
  my $tail = $tail{$letter} . $chunk;
  $tail{$letter} = length($tail) > 4096 ? substr($tail, -4096) : $tail;
  my ($out, $start, $prefix) = ('', 0, ms(now()) . " $letter ");
  while ((my $end = index($chunk, "\n", $start)) >= 0) {
    my $line = $partial{$letter} . substr($chunk, $start, $end - $start);
    $partial{$letter} = '';
    $line =~ s/\r\z//;
    $out .= $prefix . cut($line) . "\n";
    $start = $end + 1;
  }
  my $room = $longest + 1 - length $partial{$letter};
  $partial{$letter} .= substr($chunk, $start, $room) if $room > 0 && $start < length $chunk;
  put($out) if length $out;
}

sub last_lines {
  my @lines = grep { /\S/ } split /\n/, $tail{E};
  @lines = grep { /\S/ } split /\n/, $tail{O} unless @lines;
  @lines = @lines[-10 .. -1] if @lines > 10;
  return map { substr($_, 0, 300) } @lines;
}

pipe(my $out_read, my $out_write) or die "fathom: no pipe: $!\n";
pipe(my $err_read, my $err_write) or die "fathom: no pipe: $!\n";
pipe(my $fail_read, my $fail_write) or die "fathom: no pipe: $!\n";
my ($stop, $told, $kill_at) = ('', 0, 0);
$SIG{TERM} = sub { $stop = 'TERM' if $stop eq '' };
$SIG{$_} = 'IGNORE' for qw(INT HUP PIPE USR1 USR2);

my $started = now();
my $pid = fork();
die "fathom: no process could be made: $!\n" unless defined $pid;
if ($pid == 0) {
  no warnings 'exec';
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE USR1 USR2);
  setpgrp(0, 0);
  open(STDIN, '<', '/dev/null');
  open(STDOUT, '>&', $out_write);
  open(STDERR, '>&', $err_write);
  %ENV = %program_env;
  umask $umask;
  exec { $argv[0] } @argv if chdir $work;
  syswrite($fail_write, "$!");
  kill 'KILL', $$;
}
close $_ for $out_write, $err_write, $fail_write;
my $failure = '';
while (1) {
  my $got = sysread($fail_read, my $piece, 1024);
  next if !defined $got && $! == 4;
  last unless $got;
  $failure .= $piece;
}
if ($failure ne '') {
  waitpid($pid, 0);
  not_started('NOT_STARTED', "The program could not be started: $argv[0]: $failure.");
}
my $restarts = ($ENV{SLURM_RESTART_COUNT} || 0) + 0;
write_whole('started.json', '{"job":' . quoted($job) . ',"restarts":' . $restarts . ',"node":' . quoted($ENV{SLURMD_NODENAME} || '') . ',"pid":' . $pid . ',"at":' . ms($started) . '}');

my %open = (fileno($out_read) => ['O', $out_read], fileno($err_read) => ['E', $err_read]);
my ($reaped, $status, $ended, $next_file_look, $next_beat) = (0, 0, 0, 0, 0);

sub look {
  my $now = now();
  if ($now >= $next_file_look) {
    $next_file_look = $now + 1;
    if ($now >= $next_beat) {
      $next_beat = $now + 10;
      if (open(my $beat, '>', 'beat')) { close $beat }
    }
    $stop = 'CANCELLED' if $stop eq '' && -e 'cancel.json';
  }
  $stop = 'TIME_LIMIT' if $stop eq '' && $now - $started > $limit_ms / 1000;
  if ($stop ne '' && !$told) {
    $told = 1;
    $kill_at = $now + $grace_ms / 1000;
    put(ms($now) . " E fathom: stopping the program: $stop\n");
    kill 'TERM', -$pid;
  }
  kill 'KILL', -$pid if $told && $now >= $kill_at;
}

until ($reaped && (!%open || now() > $ended + 2)) {
  my $mask = '';
  vec($mask, $_, 1) = 1 for keys %open;
  my $count = select(my $ready = $mask, undef, undef, %open ? 0.2 : 0.02);
  for my $fd ($count > 0 ? keys %open : ()) {
    next unless vec($ready, $fd, 1);
    my ($letter, $handle) = @{$open{$fd}};
    my $got = sysread($handle, my $chunk, 65536);
    if ($got) { take($letter, $chunk) }
    elsif (defined $got || $! != 4) { delete $open{$fd} }
  }
  if (!$reaped && waitpid($pid, 1) == $pid) {
    ($status, $reaped, $ended) = ($?, 1, now());
    kill 'KILL', -$pid;
  }
  look() unless $reaped;
}
for my $letter (qw(O E)) { take($letter, "\n") if length $partial{$letter} }
append(ms(now()) . " E fathom: $dropped bytes of output were dropped in all\n") if $dropped;
close $log;

# Of a job on several nodes, which srun ended because one of them failed.
my $first = $status ? slurp('failure') : undef;
$status = ($1 << 8) | $2 if defined $first && $first =~ /^(\d+) (\d+) /;
my $signal = $status & 127;
my $code = $status >> 8;
write_end('{"cause":"ENDED","job":' . quoted($job)
  . ',"code":' . ($signal ? 'null' : $code) . ',"signal":' . ($signal || 'null')
  . ',"stop":' . ($stop eq '' ? 'null' : quoted($stop))
  . ',"startedAt":' . ms($started) . ',"endedAt":' . ms($ended)
  . ',"lines":[' . join(',', map { quoted($_) } last_lines()) . ']}');
unlink 'beat';
if ($signal) {
  # Slurm and its accounting are told a signal as one, not as a code.
  $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP PIPE USR1 USR2);
  no warnings 'exec';
  exec '/bin/sh', '-c', 'ulimit -c 0; kill "-$1" $$; exit $((128 + $1))', 'sh', $signal;
  exit(128 + $signal);
}
exit $code;
`;
