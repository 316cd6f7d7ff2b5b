"""What command lines do: only what is listed reads, destroyers are found wherever a shell starts them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.host.effect import effect_of, judge, refused
from devopsclaw.host.reads import META
from devopsclaw.model.risk import Effect

READS = """\
uptime
df -h
df -h /var/log
free -m
hostname
hostname -f
date
date -u +%F
date -d yesterday +%s
uname -a
cat /etc/os-release
ls -la /var/log
ps aux
sudo systemctl status nginx
systemctl status nginx
systemctl --failed --no-pager
systemctl list-units --type service --state failed
systemctl
journalctl -u nginx -n50 --no-pager
journalctl -xeu nginx --since "10 min ago"
docker ps -a
docker compose ps
docker container inspect web
docker system df
ip addr show
ip -br a
ip route get 1.1.1.1
ss -tulpn
git status
git --no-pager log --oneline -n 5
git branch -a
git stash list
find /var/log -name syslog -mtime -1
find . -type f -newer x -print
sort -rn -k 2 x
uniq -c x
sysctl net.ipv4.ip_forward
kubectl get pods -A
kubectl -n web logs -f deploy/web
crontab -l
nginx -t
iptables -L -n -v
dpkg -l
kill -0 1234
command -v nginx
python3 --version
/usr/bin/uptime
echo 'never run rm -rf /'
man mkfs
grep -r reboot /etc""".splitlines()

WRITES = """\
uptime; uptime
ps aux | grep nginx
cat x > y
echo $HOME
ls *.log
ls ~
ls -l \\x
echo `id`
uptime &
X=1 uptime
LD_PRELOAD=./x.so ls
./uptime
/tmp/ls
systemctl restart nginx
systemctl -H other status nginx
journalctl --flush
date -s 10:00
date 010203042027
hostname other
ip link set eth0 up
ip -batch x
ip netns exec x ls
sort -o x y
sort --compress-program=./x y
uniq x y
sed -i s/a/b/ x
tee x
env uptime
env -S uptime
find . -exec ls
find . -fprintf x %p
git commit -m x
git log --output=x
git -c core.pager=./x log
git branch new
git tag v1
ss -K dst 10.0.0.1
dmesg -C
dmesg -c
sysctl vm.swappiness=1
sysctl -w vm.swappiness=1
crontab
crontab x
nginx
nginx -s reload
kill 1234
mount /dev/sdb1 /mnt
docker run x
docker compose config -o x
command ls
arch -x86_64 ls
python3 x.py
man -P ./x ls
sudo -u x uptime
docker
kubectl apply -f x
nosuchprogram
'unbalanced""".splitlines()
ODD = ["", " ", "\t", "uptime\nuptime", "uptime\r", "ls \u200b", "ls \u202ex", "ls \x07"]

DESTROYERS = """\
rm -r x
rm -rf ./build
rm --recurs x
rm x -fR
'rm' -rf x
r\\m -rf x
"r"m -r""f x
/bin/rm -rf x
sudo rm -rf x
sudo -u root rm -rf x
A=1 env -i B=2 nice -n 5 timeout 3 rm -rf x
cd /tmp && rm -rf x
true || { rm -rf x; }
(rm -rf x)
if true; then rm -rf x; fi
echo "$(rm -rf x)"
echo "$(date)"; rm -rf x
echo "$(echo ")")" && rm -rf x
echo `rm -rf x`
ls | xargs rm -rf
sh -c 'rm -rf x'
bash -lc "cd /; rm -rf x"
sudo sh -c "sh -c 'rm -rf x'"
eval 'rm -rf x'
ssh web-1 'rm -rf x'
echo 'rm -rf x' | sh
bash <<< 'rm -rf x'
cat <<EOF
$(rm -rf x)
EOF
find . -name '*.log' -delete
find . -exec rm {} +
mkfs.ext4 /dev/sdb1
dd if=/dev/zero of=x
shutdown -h now
reboot
systemctl stop nginx
systemctl --now disable nginx
service nginx stop
wipefs -a /dev/sdb1
userdel bob
iptables -F
psql -c 'DROP DATABASE app'
psql -c "delete from users"
kubectl delete pod web
kubectl scale deploy web --replicas=0
terraform destroy
terraform apply -destroy
docker system prune -af
docker rm -f web
git push --force origin main
git push origin +main
git reset --hard
truncate -s 0 x
shred x
crontab -r
pkill -f web
kill -9 1
chmod -R 777 /srv
rsync -a --delete a/ b/
apt-get -y purge nginx
aws ec2 terminate-instances --instance-ids i-1
redis-cli FLUSHALL
journalctl --vacuum-time=1d
echo b > /proc/sysrq-trigger
cat x > /dev/sdb1""".splitlines()


def joined(lines: list[str]) -> list[str]:
    """Here-documents are one case, not three."""
    text = "\n".join(lines).replace("<<EOF\n", "<<EOF\0").replace(")\nEOF", ")\0EOF")
    return [line.replace("\0", "\n") for line in text.split("\n")]


@pytest.mark.parametrize("command", READS)
def test_a_listed_program_that_only_looks_is_a_read(command: str) -> None:
    assert judge(command).effect is Effect.READ
    assert judge(command).why == "only looks"


@pytest.mark.parametrize("command", [*WRITES, *ODD])
def test_whatever_else_is_a_write(command: str) -> None:
    assert judge(command).effect is Effect.WRITE
    assert refused(command) == ""


@pytest.mark.parametrize("command", joined(DESTROYERS))
def test_a_destroyer_is_found_wherever_a_shell_would_start_it(command: str) -> None:
    assert judge(command).effect is Effect.DESTRUCTIVE
    assert judge(command).why.endswith("destroys or stops something")
    assert refused(command) == ""


@pytest.mark.parametrize(
    "command",
    [
        *("rm -rf /", "rm -rf //", "rm -r /./", "rm -rf /tmp/..", "rm -rf /*", "rm -rf --no-preserve-root x"),
        *("sudo rm -rf /usr", "cd / && rm -fr /etc", "sh -c 'rm -rf /'", "find / -delete", "chmod -R 0 /"),
        *(
            "mkfs.ext4 /dev/sda",
            "mkfs -t ext4 /dev/vdb",
            "dd if=/dev/zero of=/dev/nvme0n1",
            "wipefs -a /dev/sda",
        ),
        *("cat x > /dev/sda", "cat x | sudo tee /dev/sda", "blkdiscard /dev/sda", "cp x.img /dev/sda"),
        *("parted -s /dev/sda mklabel gpt", "shred /dev/sda", "sgdisk --zap-all /dev/sda"),
    ],
)
def test_what_destroys_a_root_or_a_whole_disk_is_refused_to_everyone(command: str) -> None:
    assert refused(command).startswith(("it removes", "it overwrites", "it makes"))
    assert effect_of(command) is Effect.DESTRUCTIVE


@pytest.mark.parametrize(
    "command",
    [
        *(
            "rm -rf /tmp/x",
            "rm -rf /var/log/old",
            "rm -rf ./etc",
            "rm /etc",
            "find /srv -delete",
            "find / -name x",
        ),
        *("dd if=/dev/sda of=backup.img", "cp /dev/sda backup.img", "wipefs /dev/sda", "sgdisk -p /dev/sda"),
        *("mkfs.ext4 /dev/sdb1", "reboot", "shutdown -h now", "echo x > /dev/null", "parted /dev/sda print"),
        *("git commit -m 'never rm -rf / again'", "grep 'rm -rf /' x | head", "echo 'rm -rf /'"),
    ],
)
def test_what_a_person_may_want_is_not_refused(command: str) -> None:
    assert refused(command) == ""


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(READS), st.sampled_from(sorted(META - set("#!") | {"\n", "\r", "\0"})), st.data())
def test_a_metacharacter_anywhere_ends_being_a_read(command: str, meta: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(command)))

    assert effect_of(command[:place] + meta + command[place:]) is not Effect.READ


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_any_text_has_an_effect(command: str) -> None:
    assert effect_of(command) in Effect
    assert isinstance(refused(command), str)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(["rm -rf x", "reboot", "mkfs.ext4 /dev/sdb1", "systemctl stop nginx"]),
    st.lists(
        st.sampled_from(
            [
                "sudo {}",
                "nohup {} &",
                "({})",
                "true && {}",
                "timeout 5 {}",
                "{} | cat",
                "{{ {}; }}",
                "env A=1 {}",
            ]
        ),
        max_size=4,
    ),
)
def test_no_stack_of_wrappers_hides_a_destroyer(command: str, wrappers: list[str]) -> None:
    for wrapper in wrappers:
        command = wrapper.format(command)

    assert effect_of(command) is Effect.DESTRUCTIVE
