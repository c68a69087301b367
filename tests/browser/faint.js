// The texts that are hard to tell from what is behind them, with their contrast. Text needs 4.5, large text 3 (WCAG 2.2,
// AA); less here what a canvas rounds.
() => {
    const PASSED = "canvas, script, style, svg, .material-symbols-outlined, [disabled], [aria-hidden=true]";
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const paint = (colours) => {
        pen.clearRect(0, 0, 1, 1);
        for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const light = (rgb) => {
        const [r, g, b] = rgb.map((part) => linear(part / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        const layers = [];
        for (let each = node; each; each = each.parentElement) layers.unshift(getComputedStyle(each).backgroundColor);
        return ["white", ...layers];
    };
    const faint = [];
    const texts = document.createTreeWalker(document.querySelector("#main") ?? document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement;
        const text = texts.currentNode.textContent.trim();
        if (!text || node.closest(PASSED)) continue;
        if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        const style = getComputedStyle(node), layers = behind(node);
        const [one, other] = [light(paint(layers)), light(paint([...layers, style.color]))].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const ratio = (one + 0.05) / (other + 0.05);
        if (ratio < (large ? 2.95 : 4.45)) faint.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return faint;
}