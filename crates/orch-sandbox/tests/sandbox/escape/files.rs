//! Files of the machine, of other runs, and of the control plane.

use orch_sandbox::sandbox::Layer::{Landlock, Privileges, Processes, User, View};

use super::attempt::{Attempt, attempt};

pub const FILES: &[Attempt] = &[
    attempt(
        "reads a file of the host",
        "grep -q {treasure} {outside}/secret && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "writes a file of the host",
        "echo {treasure} > {outside}/secret && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "makes a file on the host",
        "touch {outside}/new && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "follows a symlink out",
        "ln -s {outside}/secret l; grep -q {treasure} l && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "writes through a symlink",
        "ln -s {outside}/via l; echo x > l && test -e {outside}/via && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "links a file of the host in",
        "ln {outside}/secret h && grep -q {treasure} h && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "climbs up from its folder",
        "grep -rqs {treasure} ../../../.. && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "reads a sibling's workspace",
        "grep -q {treasure} {outside}/runs/run-2/epoch-1/work/code && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "writes into a sibling's workspace",
        "touch {outside}/runs/run-2/epoch-1/work/x && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "lists its siblings",
        "ls {outside}/runs | grep -q run-2 && echo ESCAPED",
    ).stopped(&[User, View], &[User, Landlock]),
    attempt(
        "reads the control plane's database",
        "grep -q {treasure} {outside}/orchestrator.db && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "reads an SSH key",
        "grep -q {treasure} {outside}/home/.ssh/id_ed25519 && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "reads a cloud's credentials",
        "grep -q {treasure} {outside}/home/.aws/credentials && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "reads the machine's passwords",
        "grep -q '^root:' /etc/shadow && echo ESCAPED",
    ).stopped(&[User, View], &[User, Landlock]),
    attempt(
        "plants a program",
        "touch /usr/local/bin/orch-escape && rm /usr/local/bin/orch-escape && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "plants a setting",
        "touch /etc/orch-escape && rm /etc/orch-escape && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "adds a user",
        "cp /etc/passwd p && cat p >> /etc/orch-passwd && rm /etc/orch-passwd && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "changes its own kept steps",
        "echo '[]' > ../plan.json && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt("makes a device", "mknod d c 1 3 && echo ESCAPED").stopped(&[Privileges, User], &[Privileges, User]),
    attempt(
        "goes in through its own root",
        "grep -q {treasure} /proc/self/root{outside}/secret && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "goes in through the agent's root",
        "grep -q {treasure} /proc/{agent}/root{outside}/secret && echo ESCAPED",
    ).stopped(&[Processes, Privileges, User, Landlock], &[Privileges, User, Landlock]),
    attempt(
        "goes in through the agent's folder",
        "ls /proc/{agent}/cwd/ | grep -q . && echo ESCAPED",
    ).stopped(&[Processes, Privileges, User, Landlock], &[Privileges, User, Landlock]),
    attempt(
        "swaps a folder for a link",
        "mkdir d; echo x > d/f; mv d e; ln -s {outside} d; cat d/secret | grep -q {treasure} && echo ESCAPED",
    ).stopped(&[User, View], &[Landlock]),
    attempt(
        "writes through a hard link",
        "ln {outside}/secret h && echo x >> h && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "swaps a file for a hard link",
        "echo x > f; ln -f {outside}/secret f && grep -q {treasure} f && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "unpacks an archive that climbs out",
        "mkdir a; echo x > a/slip; tar -C a -cf t.tar -P --transform 's,^slip,{outside}/slip,' slip; \
         tar -xPf t.tar; test -e {outside}/slip && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "unpacks an archive through a link of its own",
        "ln -s {outside} l; tar -cf t.tar l; rm l; mkdir l; echo x > l/through; \
         tar -rf t.tar l/through; rm -r l; tar -xPf t.tar; test -e {outside}/through && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "unpacks a zip that climbs out",
        "/usr/bin/python3 -c 'import zipfile
z=zipfile.ZipFile(\"t.zip\",\"w\");z.writestr(\"..\"*0+\"../\"*12+\"{outside}/zipped\",\"x\");z.close()
for n in zipfile.ZipFile(\"t.zip\").namelist(): open(n,\"w\").write(\"x\")'; \
         test -e {outside}/zipped && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "makes a disk",
        "mknod d b 7 200 && echo ESCAPED",
    ).stopped(&[Privileges, User], &[Privileges, User]),
    attempt(
        "adds a folder of libraries for all programs",
        "touch /etc/ld.so.conf.d/orch-escape.conf && rm /etc/ld.so.conf.d/orch-escape.conf && echo ESCAPED",
    ).stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "shadows a program of the next step",
        "printf '#!/bin/sh\\necho ESCAPED\\n' > /usr/local/bin/orch-next; chmod 755 /usr/local/bin/orch-next",
    )
    .then("orch-next; rm -f /usr/local/bin/orch-next").stopped(&[User, Landlock, View], &[User, Landlock]),
    attempt(
        "makes a program that runs as root",
        "cp /usr/bin/id s; chmod 4755 s; test -u s && test \"$(stat -c %u s)\" = 0 && echo ESCAPED",
    ).stopped(&[User], &[User]),
];
