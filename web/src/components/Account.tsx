// Who is logged in.

import { Button } from "react-aria-components/Button";
import { Menu, MenuItem, MenuTrigger } from "react-aria-components/Menu";
import { Popover } from "react-aria-components/Popover";

import type { Me } from "../lib/backfill-api";
import { logOut } from "../lib/session";
import { Icon } from "./Icon";
import { say } from "./Toasts";

export function Account({ me }: { me: Me }) {
  return (
    <MenuTrigger>
      <Button className="button quiet account" aria-label={`${me.name}, ${me.role}`}>
        <Icon name="user" /> <span>{me.name}</span>
      </Button>
      <Popover className="popover" placement="bottom end">
        <p className="menu-head">
          {me.name} <span className="muted">{me.role}</span>
        </p>
        <Menu className="listbox" aria-label="Account">
          <MenuItem className="option" href="/docs">
            Description of the API
          </MenuItem>
          <MenuItem className="option" onAction={() => void leave()}>
            Log out
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

async function leave(): Promise<void> {
  const why = await logOut().catch(() => "The host can’t be reached.");
  if (why !== undefined) say(`You are still logged in. ${why}`, true);
}
