import type { ButtonHTMLAttributes, ComponentChildren } from "preact";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type" | "disabled"> {
  readonly kind?: "primary" | "plain" | "danger" | "quiet";
  readonly type?: "button" | "submit";
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
}

export function Button({ kind = "plain", type = "button", children, ...rest }: Props) {
  const { class: own, ...others } = rest as { class?: string };
  return (
    <button {...others} type={type} class={`button ${kind === "plain" ? "" : kind} ${own ?? ""}`.trim()}>
      {children}
    </button>
  );
}
