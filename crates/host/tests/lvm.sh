#!/bin/sh
# LVM's programs for tests, by the name that this is started with. Volumes of the group `lab` are
# files in `volumes` beside that name, and `origins` has what each was copied from. `left` has how many of them still run; then each fails.
cd "$(dirname "$0")/volumes" || exit 9
if [ -e ../left ]; then
	left=$(cat ../left)
	[ "$left" -gt 0 ] || exit 1
	echo $((left - 1)) >../left
fi
case ${0##*/} in
lvs)
	for argument; do
		case $argument in
		--select=vg_name=\"lab\")
			for name in *; do
				echo "  $name/$(cat "../origins/$name" 2>/dev/null)"
			done
			;;
		--select=lv_name=\"*\")
			name=${argument#*\"}
			name=${name%\"}
			[ ! -e "$name" ] || echo "  $name"
			;;
		esac
	done
	;;
lvcreate)
	cp "${5#*/}" "$4" && echo "${5#*/}" >"../origins/$4"
	;;
lvremove)
	rm -f "../origins/${2#*/}"
	rm "${2#*/}"
	;;
lvrename)
	[ ! -e "$3" ] && mv "$2" "$3" || exit 5
	[ ! -e "../origins/$2" ] || mv "../origins/$2" "../origins/$3"
	for name in *; do
		[ "$(cat "../origins/$name" 2>/dev/null)" != "$2" ] || echo "$3" >"../origins/$name"
	done
	;;
lvchange) [ -e "${2#*/}" ] && echo "$1" >"../active.${2#*/}" ;;
esac
