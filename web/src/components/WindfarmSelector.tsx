// A wind farm, found by a part of its name.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ComboBox } from "react-aria-components/ComboBox";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Popover } from "react-aria-components/Popover";
import { Text } from "react-aria-components/Text";

import { api } from "../lib/api";
import { many } from "../lib/format";
import { Icon } from "./Icon";

interface Props {
  value: number | undefined;
  choose: (id: number | undefined) => void;
  label?: string;
  description?: string;
}

export function WindfarmSelector({ value, choose, label = "Wind farm", description }: Props) {
  const [text, setText] = useState("");
  const [typed, setTyped] = useState("");
  const chosen = useQuery({
    queryKey: ["windfarm", value],
    queryFn: () => api.getWindfarm(value ?? 0),
    enabled: value !== undefined,
    staleTime: 60_000,
  });
  const name = value === undefined ? undefined : chosen.data?.name;
  const wanted = useDeferred(typed.trim(), 150);
  const found = useQuery({
    queryKey: ["windfarms", wanted],
    queryFn: () => api.listWindfarms(wanted),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const farms = useMemo(
    () => found.data?.items.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })) ?? [],
    [found.data],
  );
  // Somebody else, such as the address, chose another one.
  useEffect(() => setText(name ?? ""), [name]);

  return (
    <ComboBox
      className="field combo"
      items={farms}
      value={value ?? null}
      inputValue={text}
      onInputChange={(next) => {
        setText(next);
        setTyped(next === name ? "" : next);
        if (next === "" && value !== undefined) choose(undefined);
      }}
      onChange={(key) => {
        // Who leaves the field is told the choice once more; then the text has to say again what is chosen.
        const same = key === (value ?? null);
        setText((same ? name : farms.find((farm) => farm.id === key)?.name) ?? "");
        setTyped("");
        if (!same && key !== null) choose(Number(key));
      }}
      menuTrigger="focus"
      allowsEmptyCollection
    >
      <Label>{label}</Label>
      <div className="combo-box">
        <Icon name="search" />
        <Input className="input" placeholder="Search by name" data-shortcut="search" />
        <Button className="button quiet icon-only">
          <Icon name="chevron" />
        </Button>
      </div>
      {description !== undefined && (
        <Text slot="description" className="field-help">
          {description}
        </Text>
      )}
      <Popover className="popover" offset={4}>
        <ListBox
          className="listbox"
          renderEmptyState={() => (
            <p className="listbox-empty">
              {found.isFetching ? "Searching…" : found.isError ? "The wind farms could not be read." : "No wind farm has this in its name."}
            </p>
          )}
        >
          {(farm: { id: number; name: string; unit_count: number }) => (
            <ListBoxItem id={farm.id} textValue={farm.name} className="option">
              <span>{farm.name}</span>
              <span className="muted">{many(farm.unit_count, "unit")}</span>
            </ListBoxItem>
          )}
        </ListBox>
        {(found.data?.total ?? 0) > (found.data?.items.length ?? 0) && (
          <p className="listbox-empty">
            {found.data?.items.length} of {found.data?.total}; type to find others.
          </p>
        )}
      </Popover>
    </ComboBox>
  );
}

/** A value once it has been the same for a while. */
function useDeferred<Value>(value: Value, milliseconds: number): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
